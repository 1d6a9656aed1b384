import assert from 'node:assert/strict';
import { test } from 'node:test';
import { redactor } from './redact.ts';

const secret = 'a/Secret+of=20 signs';
const redact = redactor([secret, 'another-one', 'short']);

test('a secret is taken out in each of its forms, and as often as it is there', () => {
  const bytes = Buffer.from(secret);
  const forms = [
    secret,
    encodeURIComponent(secret),
    bytes.toString('base64'),
    bytes.toString('base64url'),
    bytes.toString('hex'),
    bytes.toString('hex').toUpperCase(),
  ];
  for (const form of forms) {
    assert.match(redact(`<${form}> and ${form}`), /^<\[secret\]=*> and \[secret\]=*$/);
  }
});

test('other words are kept, and so are secrets too short to be distinguished from them', () => {
  assert.equal(redact('a short word; another one'), 'a short word; another one');
  assert.equal(redactor([])('all'), 'all');
});

test('the signature of a token is redacted even if the redactor does not know the token', () => {
  assert.equal(
    redactor([])('https://x/?sp=r&sig=b3RoZXI%3D&se=1 <sig=abc<'),
    'https://x/?sp=r&sig=[secret]&se=1 <sig=[secret]<',
  );
});
