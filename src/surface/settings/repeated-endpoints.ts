/** A region of a cloud is in one place: of two entries for it one would have no effect. */
export function repeatedEndpoints(
  endpoints: unknown,
  nameOf: (key: string, within: string) => string,
): string[] {
  const entries: readonly unknown[] = Array.isArray(endpoints) ? endpoints : [];
  const first = new Map<string, number>();
  const found: string[] = [];
  for (const [index, entry] of entries.entries()) {
    const { cloud, region } = (entry ?? {}) as {
      readonly cloud?: unknown;
      readonly region?: unknown;
    };
    if (typeof cloud !== 'string' || typeof region !== 'string') continue;
    const place = JSON.stringify([cloud, region]);
    const earlier = first.get(place);
    if (earlier === undefined) first.set(place, index);
    else {
      const [one, other] = [earlier, index].map((at) => nameOf('endpoints', `[${at}]`));
      found.push(`${other}: has the cloud and the region of ${one}; leave one of them out`);
    }
  }
  return found;
}
