import { type Ability, abilityTables, clouds, isThere, ways } from './abilities.ts';
import type { Proof } from './proofs.ts';

const titles: Readonly<Partial<Record<Ability, string>>> = {
  'signature': 'Signature',
  'reads': 'Read, head',
  'odd names': 'Odd names',
  'listing': 'Listing',
  'put': 'Put',
  'parts': 'Parts',
  'copy': 'Copy',
  'removal': 'Removal',
  'metadata': 'Metadata',
  'classes': 'Classes',
  'restore': 'Restore',
  'errors': 'Errors, throttling',
  'wrong region': 'Wrong region',
  'CDN': 'CDN types of its own',
  'source': 'A task from it',
  'destination': 'A task to it',
};

const begin = '<!-- matrix: made by npm run matrix -->\n';
const end = '<!-- /matrix -->';

/** The page with its tables as the proofs have it. */
export function withTables(page: string, proofs: readonly Proof[]): string {
  const [from, to] = [page.indexOf(begin), page.indexOf(end)];
  if (from === -1 || to < from) throw new Error('the page has no place for the matrix');
  const tables = abilityTables.map((abilities) => table(abilities, proofs)).join('\n');
  return `${page.slice(0, from)}${begin}\n${tables}\n${page.slice(to)}`;
}

function table(abilities: readonly Ability[], proofs: readonly Proof[]): string {
  const line = (cells: readonly string[]): string => `| ${cells.join(' | ')} |\n`;
  const heads = ['Cloud', ...abilities.map((ability) => titles[ability] ?? ability)];
  const rows = clouds.map((cloud) => [
    cloud,
    ...abilities.map((ability) => {
      if (!isThere(cloud, ability)) return 'n/a';
      const own = proofs.filter((proof) => proof.cloud === cloud && proof.ability === ability);
      const named = ways.filter((way) => own.some((proof) => proof.way === way));
      return named.length === 0 ? '—' : named.join(', ');
    }),
  ]);
  return [heads, heads.map(() => '---'), ...rows].map(line).join('');
}
