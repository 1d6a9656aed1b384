const untrusted: ReadonlySet<string> = new Set([
  'DEPTH_ZERO_SELF_SIGNED_CERT',
  'SELF_SIGNED_CERT_IN_CHAIN',
  'UNABLE_TO_GET_ISSUER_CERT',
  'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
  'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
]);

/** What a server of TLS does with a request without it, as Node reports it. */
const noHttp: ReadonlySet<string> = new Set(['ECONNRESET', 'EPIPE', 'UND_ERR_SOCKET']);

/** Why a `fetch` of a service failed, in plain words, with what to do. */
export function whyUnreachable(url: string, error: unknown): string {
  const code = codeOf(error);
  const host = URL.canParse(url) ? new URL(url).hostname : url;
  if (code === 'ENOTFOUND' || code === 'EAI_AGAIN') return `no host is named ${host} (${code})`;
  if (code === 'ECONNREFUSED') return `nothing listens there (${code}); start it first`;
  return url.startsWith('https:') ? whyNotByTls(host, code) : whyNotByHttp(code);
}

function whyNotByTls(host: string, code: string): string {
  if (untrusted.has(code)) {
    return `its certificate is not trusted (${code}); name the PEM file of its authority in NODE_EXTRA_CA_CERTS`;
  }
  if (code === 'ERR_TLS_CERT_ALTNAME_INVALID') {
    return `its certificate is for another name than ${host} (${code})`;
  }
  if (code === 'CERT_HAS_EXPIRED') return `its certificate has expired (${code})`;
  const isNoTls = code.startsWith('ERR_SSL_') || code === 'EPROTO';
  return isNoTls ? `it does not speak TLS (${code}); try http:// instead of https://` : code;
}

function whyNotByHttp(code: string): string {
  const isNoHttp = noHttp.has(code) || code.startsWith('HPE_');
  return isNoHttp
    ? `it does not speak plain HTTP (${code}); try https:// instead of http://`
    : code;
}

/** The innermost reason that Node has for a failed fetch. */
function codeOf(error: unknown): string {
  if (!(error instanceof Error)) return 'unknown';
  const { cause } = error;
  if (!(cause instanceof Error)) return error.message;
  return 'code' in cause ? String(cause.code) : cause.message;
}
