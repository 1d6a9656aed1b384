import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { after, before, describe, test } from 'node:test';
import { gunzipSync } from 'node:zlib';
import { auditDependencies } from './kit/audit-dependencies.ts';

const high = {
  id: 1,
  url: 'https://github.com/advisories/GHSA-aaaa-bbbb-cccc',
  title: 'Something bad',
  severity: 'high',
  vulnerable_versions: '<1000',
  cwe: [],
  cvss: { score: 8, vectorString: null },
};
const low = { ...high, id: 2, url: 'https://x/GHSA-dddd-eeee-ffff', severity: 'low' };
const accepted = { advisory: 'GHSA-aaaa-bbbb-cccc', until: '2030-06-01', reason: 'not reached' };

function packument(name: string): object {
  const version = { name, version: '1.0.0' };
  return { name, 'versions': { '1.0.0': version }, 'dist-tags': { latest: '1.0.0' } };
}

describe('the audit of dependencies', () => {
  let advisories: object | undefined;
  let asked = '';
  let registry: string;
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const bytes = Buffer.concat(chunks);
      if (request.headers['content-encoding'] === 'gzip') asked = gunzipSync(bytes).toString();
      const name = decodeURIComponent(request.url?.slice(1) ?? '');
      if (advisories === undefined) response.writeHead(405).end();
      // npm looks which versions there are.
      else if (request.method === 'GET') response.end(JSON.stringify(packument(name)));
      else response.setHeader('content-type', 'application/json').end(JSON.stringify(advisories));
    });
  });
  before(async () => {
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    registry = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
  });
  after(() => {
    server.closeAllConnections();
    server.close();
  });

  const audit = (...known: (typeof accepted)[]) =>
    auditDependencies({ registry, accepted: known, today: '2030-01-01' });

  test('fails on a serious finding, and names it', async () => {
    advisories = { pg: [low], undici: [high] };
    const { failed, lines } = await audit();
    assert.equal(failed, true);
    assert.match(
      lines.join('\n'),
      /undici: Something bad \(https.*GHSA-aaaa-bbbb-cccc\); high\n.*: 1 serious/,
    );
    // It queries the packages that are shipped, and not those that only tests use.
    assert.match(asked, /"undici"/);
    assert.doesNotMatch(asked, /"eslint"/);
  });

  test('takes one that was accepted, until its day, and with a reason', async () => {
    advisories = { undici: [high] };
    const { failed, lines } = await audit(accepted);
    assert.equal(failed, false);
    assert.match(lines.join('\n'), /accepted until 2030-06-01: not reached/);
    assert.equal((await audit({ ...accepted, until: '2029-12-31' })).failed, true);
    assert.equal((await audit({ ...accepted, reason: ' ' })).failed, true);
    assert.equal((await audit({ ...accepted, advisory: 'GHSA-other' })).failed, true);
  });

  test('passes without a serious finding', async () => {
    advisories = { undici: [low] };
    const { failed, lines } = await audit();
    assert.deepEqual([failed, lines], [false, ['audit of dependencies: 0 serious findings']]);
  });

  test('is skipped with a message if the registry does not answer', async () => {
    advisories = undefined;
    const { failed, lines } = await audit();
    assert.equal(failed, false);
    assert.match(lines.join('\n'), /^skipped: audit of dependencies \(the registry: /);
  });
});
