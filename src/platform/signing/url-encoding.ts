const unreserved = /^[\w.~-]*$/;

/** Percent-encodes all but `A-Z a-z 0-9 - . _ ~`, as canonical requests require. */
export function encodeRfc3986(text: string): string {
  if (unreserved.test(text)) return text;
  return encodeURIComponent(text).replace(
    /[!'()*]/g,
    (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`,
  );
}

const unreservedPath = /^[\w.~/-]*$/;

/** An object's key as the path of a request: encoded once, its slashes kept as they are. */
export function encodeKey(key: string): string {
  if (unreservedPath.test(key)) return key;
  return encodeRfc3986(key).replaceAll('%2F', '/');
}

/** A query in canonical form; parameters without a value are left out, flags have an empty one. */
export function canonicalQuery(parameters: Readonly<Record<string, string | undefined>>): string {
  const pairs: [name: string, value: string][] = [];
  for (const name of Object.keys(parameters)) {
    const value = parameters[name];
    if (value !== undefined) pairs.push([encodeRfc3986(name), encodeRfc3986(value)]);
  }
  // By name alone: `a=` goes before `a%20=`, though `%` comes before the equals sign.
  pairs.sort(([a], [b]) => (a < b ? -1 : 1));
  return pairs.map(([name, value]) => `${name}=${value}`).join('&');
}
