/** Shorter ones are in too many words. */
const LENGTH_MIN = 8;

/**
 * Takes secrets out of what others say: as they are, and as base64, hexadecimal digits or in a URL.
 *
 * @returns Gives a text without them.
 */
export function redactor(secrets: readonly string[]): (text: string) => string {
  const forms = secrets
    .filter(({ length }) => length >= LENGTH_MIN)
    .flatMap(formsOf)
    // The longest first: a form may hold another.
    .sort((a, b) => b.length - a.length);
  return (text) => forms.reduce((told, form) => told.replaceAll(form, '[secret]'), text);
}

function formsOf(secret: string): string[] {
  const bytes = Buffer.from(secret);
  const hex = bytes.toString('hex');
  const base64 = bytes.toString('base64').replace(/=+$/, '');
  return [
    secret,
    encodeURIComponent(secret),
    base64,
    bytes.toString('base64url'),
    hex,
    hex.toUpperCase(),
  ];
}
