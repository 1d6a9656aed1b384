import { globSync, readFileSync } from 'node:fs';
import { registerHooks } from 'node:module';
import { join, relative } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import ts from 'typescript';

/**
 * Finds every statement of the product: each call of `query` on a `Db`. The compiler knows the row type that
 * the call declares; the text is computed by the module itself, to which {@link evaluate} appends an export.
 * So nothing has to be registered, and no statement can be forgotten.
 */

const root = join(import.meta.dirname, '../../..');

export interface DeclaredColumn {
  readonly name: string;
  readonly optional: boolean;
  /** `string`, `number`, `boolean`, `bytes` or `object`. */
  readonly kind: string;
}

export interface Statement {
  /** `path:line` */
  readonly place: string;
  readonly text: string;
  /** Undefined where the call declares no row type, and so cannot use a column. */
  readonly row: readonly DeclaredColumn[] | undefined;
}

interface Call {
  readonly place: string;
  readonly row: readonly DeclaredColumn[] | undefined;
  /** A function of the module's scope, as source text, that gives every text that the call can have. */
  readonly texts: string;
}

function isInModule(declaration: ts.Declaration): boolean {
  for (let node: ts.Node = declaration; !ts.isSourceFile(node); node = node.parent) {
    if (ts.isFunctionLike(node) && node !== declaration) return false;
  }
  return true;
}

/** The local names that an expression uses, each with the literals that its type permits. */
function localsOf(checker: ts.TypeChecker, expression: ts.Expression): Map<string, string[]> {
  const found = new Map<string, string[]>();
  const visit = (node: ts.Node): void => {
    if (ts.isIdentifier(node)) {
      const declaration = checker.getSymbolAtLocation(node)?.valueDeclaration;
      const isOwn = declaration && declaration.getSourceFile() === node.getSourceFile();
      const within =
        declaration && declaration.pos >= expression.pos && declaration.end <= expression.end;
      if (isOwn && !within && !isInModule(declaration) && !isProperty(declaration)) {
        const type = checker.getTypeAtLocation(node);
        found.set(node.text, literalsOf(checker, type, node));
      }
    }
    ts.forEachChild(node, visit);
  };
  visit(expression);
  return found;
}

function isProperty(declaration: ts.Declaration): boolean {
  return ts.isPropertyAssignment(declaration) || ts.isPropertySignature(declaration);
}

function literalsOf(checker: ts.TypeChecker, type: ts.Type, node: ts.Node): string[] {
  const members = type.isUnion() ? type.types : [type];
  return members.map((member) => {
    if (member.isStringLiteral()) return JSON.stringify(member.value);
    if (member.flags & ts.TypeFlags.BooleanLiteral) return checker.typeToString(member);
    throw new Error(
      `${placeOf(node)}: the text of a statement depends on "${node.getText()}", whose values are not known ` +
        'before it runs: give it a type of literals, or move it to the scope of the module',
    );
  });
}

function placeOf(node: ts.Node): string {
  const file = node.getSourceFile();
  const { line } = file.getLineAndCharacterOfPosition(node.getStart());
  return `${relative(root, file.fileName)}:${line + 1}`;
}

function kindOf(checker: ts.TypeChecker, type: ts.Type): string {
  const members = type.isUnion() ? type.types : [type];
  const kinds = members.map((member) => {
    if (member.flags & ts.TypeFlags.StringLike) return 'string';
    if (member.flags & ts.TypeFlags.NumberLike) return 'number';
    if (member.flags & ts.TypeFlags.BooleanLike) return 'boolean';
    const name = checker.typeToString(member);
    return /^(?:Uint8Array|Buffer)\b/.test(name) ? 'bytes' : 'object';
  });
  return [...new Set(kinds)].join(' | ');
}

function columnsOf(checker: ts.TypeChecker, node: ts.TypeNode): DeclaredColumn[] {
  return checker
    .getTypeFromTypeNode(node)
    .getProperties()
    .map((property) => ({
      name: property.name,
      optional: (property.flags & ts.SymbolFlags.Optional) !== 0,
      kind: kindOf(checker, checker.getNonNullableType(checker.getTypeOfSymbol(property))),
    }));
}

function isDb(checker: ts.TypeChecker, receiver: ts.Expression): boolean {
  const name = checker.getTypeAtLocation(receiver).getSymbol()?.name;
  return name === 'Db' || name === 'Database';
}

function callsOf(checker: ts.TypeChecker, file: ts.SourceFile): Call[] {
  const found: Call[] = [];
  const visit = (node: ts.Node): void => {
    ts.forEachChild(node, visit);
    if (!ts.isCallExpression(node) || !ts.isPropertyAccessExpression(node.expression)) return;
    const { name, expression: receiver } = node.expression;
    const text = node.arguments[0];
    if (name.text !== 'query' || text === undefined || !isDb(checker, receiver)) return;
    const locals = [...localsOf(checker, text)];
    const loops = locals.map(([local, values]) => `for (const ${local} of [${values.join()}]) `);
    const row = node.typeArguments?.[0];
    found.push({
      place: placeOf(node),
      row: row && columnsOf(checker, row),
      texts: `() => { const texts = []; ${loops.join('')}texts.push(${text.getText()}); return texts; }`,
    });
  };
  visit(file);
  return found;
}

const EXPORT = 'textsOfStatements';

/** The texts of each call, in their order: loads the module with one more export. */
async function evaluate(path: string, calls: readonly Call[]): Promise<string[][]> {
  // The query keeps it apart from the module as others have loaded it.
  const url = `${pathToFileURL(path).href}?statements`;
  const appended = `\nexport const ${EXPORT} = [${calls.map(({ texts }) => texts).join(',\n')}];\n`;
  const hooks = registerHooks({
    load: (wanted, context, next) =>
      wanted === url
        ? {
            format: 'module-typescript',
            source: readFileSync(fileURLToPath(wanted), 'utf8') + appended,
            shortCircuit: true,
          }
        : next(wanted, context),
  });
  try {
    // What was appended is an array of functions without arguments, which return texts or `Prepared`.
    const module = (await import(url)) as {
      readonly [EXPORT]: readonly (() => (string | { readonly text: string })[])[];
    };
    return module[EXPORT].map((texts) =>
      texts().map((text) => (typeof text === 'string' ? text : text.text)),
    );
  } finally {
    hooks.deregister();
  }
}

/**
 * Every statement under `src/`, tests and the files in `except` aside.
 *
 * @throws Where a text is not known before the product runs.
 */
export async function findStatements(except: ReadonlySet<string>): Promise<Statement[]> {
  const paths = globSync('src/**/*.ts', { cwd: root }).filter(
    (path) => !path.endsWith('.test.ts') && !except.has(path),
  );
  const config = ts.getParsedCommandLineOfConfigFile(
    join(root, 'tsconfig.json'),
    {},
    {
      ...ts.sys,
      onUnRecoverableConfigFileDiagnostic: (diagnostic) => {
        throw new Error(ts.flattenDiagnosticMessageText(diagnostic.messageText, '\n'));
      },
    },
  );
  if (config === undefined) throw new Error('tsconfig.json cannot be read');
  const program = ts.createProgram(
    paths.map((path) => join(root, path)),
    config.options,
  );
  const checker = program.getTypeChecker();
  const found: Statement[] = [];
  for (const path of paths.sort()) {
    const file = program.getSourceFile(join(root, path));
    if (file === undefined) throw new Error(`${path} was not compiled`);
    if (!/\.query\b/.test(file.text)) continue;
    const calls = callsOf(checker, file);
    if (calls.length === 0) continue;
    const texts = await evaluate(join(root, path), calls);
    for (const [index, { place, row }] of calls.entries()) {
      found.push(...(texts[index] ?? []).map((text) => ({ place, row, text })));
    }
  }
  return found;
}
