/** Shorter ones are in too many words. */
const LENGTH_MIN = 8;

/**
 * Takes secrets out of what others say: as they are, and as base64, hexadecimal digits or in a URL; and
 * the signature of any shared access token of Azure, which grants access to its holder.
 *
 * @returns Gives a text without them.
 */
export function redactor(secrets: readonly string[]): (text: string) => string {
  const forms = secrets
    .filter(({ length }) => length >= LENGTH_MIN)
    .flatMap(formsOf)
    // The longest first: a form may hold another.
    .sort((a, b) => b.length - a.length);
  return (text) => {
    const redacted = forms.reduce((so, form) => so.replaceAll(form, '[secret]'), text);
    return redacted.replace(/\bsig=[^&\s"'<]+/g, 'sig=[secret]');
  };
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
