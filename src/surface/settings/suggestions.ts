import { editDistance } from '../../platform/base/edit-distance.ts';
import { SettingsSchema } from './config-schema.ts';

const EDITS_MAX = 3;

/** Names the known name that is likest. Whatever their capitals and separators: `signingregion` means `signingRegion`. */
export function suggestion(name: string, known: readonly string[], before: string): string {
  const plain = (text: string) => text.replaceAll(/[-_.]/g, '').toLowerCase();
  const wanted = plain(name);
  const [nearest] = known
    .map((candidate) => ({
      candidate,
      edits: editDistance(wanted, plain(candidate), EDITS_MAX) ?? Infinity,
    }))
    .filter(({ candidate, edits }) => edits <= EDITS_MAX && edits < candidate.length / 2)
    .sort((a, b) => a.edits - b.edits);
  return nearest === undefined ? '' : `${before} did you mean ${nearest.candidate}?`;
}

/** The names that an object in the settings may have, by where it stands: `/endpoints/0`. */
export function keysAt(instancePath: string): readonly string[] {
  let schema: unknown = SettingsSchema;
  for (const step of instancePath.split('/').slice(1)) {
    schema = /^\d+$/.test(step)
      ? fieldOf(schema, 'items')
      : fieldOf(fieldOf(schema, 'properties'), step);
  }
  return Object.keys(fieldOf(schema, 'properties') ?? {});
}

function fieldOf(value: unknown, name: string): object | undefined {
  if (typeof value !== 'object' || value === null) return undefined;
  const field: unknown = Object.entries(value).find(([key]) => key === name)?.[1];
  return typeof field === 'object' && field !== null ? field : undefined;
}
