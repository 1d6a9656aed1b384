import { defineConfig } from 'eslint/config';
import tseslint from 'typescript-eslint';

/** Biome formats; this judges, and with types: it finds the async mistakes that lose data. */
export default defineConfig(
  { ignores: ['**/node_modules', 'brigade-data'] },
  tseslint.configs.strictTypeChecked,
  {
    languageOptions: {
      parserOptions: {
        projectService: { allowDefaultProject: ['eslint.config.js', 'src/surface/cli/brigade.js'] },
      },
    },
    linterOptions: { reportUnusedDisableDirectives: 'error' },
    rules: {
      'complexity': ['error', 12],
      'max-lines': ['error', { max: 400 }],
      'max-lines-per-function': ['error', { max: 60, skipComments: true, skipBlankLines: true }],
      '@typescript-eslint/switch-exhaustiveness-check': 'error',
      // An interface asks for a promise, whether or not this implementation waits.
      '@typescript-eslint/require-await': 'off',
      '@typescript-eslint/restrict-template-expressions': [
        'error',
        { allowNumber: true, allowBoolean: true },
      ],
      '@typescript-eslint/no-confusing-void-expression': [
        'error',
        { ignoreArrowShorthand: true, ignoreVoidReturningFunctions: true },
      ],
      '@typescript-eslint/no-floating-promises': [
        'error',
        {
          allowForKnownSafeCalls: [
            { from: 'package', name: ['test', 'describe', 'it', 'suite'], package: 'node:test' },
          ],
        },
      ],
    },
  },
  {
    // A describe holds many tests; what counts there is the length of each.
    files: ['**/*.test.ts', 'test/conformance/**', 'test/clouds/kit/sdk-scenarios.ts'],
    rules: { 'max-lines-per-function': 'off' },
  },
);
