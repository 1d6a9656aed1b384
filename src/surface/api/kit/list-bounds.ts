interface BoundedSchema {
  readonly maxItems?: number;
  readonly items?: BoundedSchema;
  readonly properties?: Readonly<Record<string, BoundedSchema>>;
}

/**
 * The first list that has more items than its schema allows. The validator looks at every item before it
 * counts them; this looks at none of a list that is too long.
 */
export function longListIn(
  schema: BoundedSchema,
  value: unknown,
  path = '',
): { readonly path: string; readonly maxItems: number } | undefined {
  const { maxItems = Infinity, items, properties = {} } = schema;
  if (Array.isArray(value)) {
    if (value.length > maxItems) return { path, maxItems };
    if (items === undefined) return undefined;
    return firstOf(value.map((item, at) => () => longListIn(items, item, `${path}/${at}`)));
  }
  if (typeof value !== 'object' || value === null) return undefined;
  const fields = Object.entries(properties).map(([name, field]) => () => {
    // A reader at the edge: what a client sent may have any field.
    const found = (value as Readonly<Record<string, unknown>>)[name];
    return longListIn(field, found, `${path}/${name}`);
  });
  return firstOf(fields);
}

function firstOf<T>(looks: readonly (() => T | undefined)[]): T | undefined {
  for (const look of looks) {
    const found = look();
    if (found !== undefined) return found;
  }
  return undefined;
}
