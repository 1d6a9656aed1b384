import assert from 'node:assert/strict';
import { bodyOf, type GivePromise, rejectsWith, textAt } from './store.ts';

/** The harvest of years of bug reports: what names do to paths, queries, XML and signatures. */
export const oddNames: readonly string[] = [
  'plain',
  'a/b//c',
  'with space',
  ' leading and trailing ',
  'plus+and%25',
  '100%',
  'slash%2Fencoded',
  'question?mark=and&ampersand',
  'hash#fragment',
  './dot/../segments/..',
  '..',
  'folder/',
  '//double',
  'quote\'"<&>',
  '&amp;&#x41;]]>',
  "!'()*~-._;:@=,$[]{}|\\^`",
  'tab\tand\rreturn\nand feed',
  'control\u0001\u001f\u007f',
  '中文/键',
  'é and e\u0301',
  '\uffee before 🙈',
  '🙈',
  'x'.repeat(900),
];

export function namePromises(promise: GivePromise): void {
  for (const name of oddNames) {
    const shown = JSON.stringify(name.length > 80 ? `${name.slice(0, 20)}…` : name);
    promise('odd names', `an object named ${shown} comes back under that name`, async (trial) => {
      const { store, signal, prefix } = trial;
      const key = `${prefix}names/${name}`;
      await store.put(key, bodyOf(name), {}, signal);
      const { entries } = await store.list({ prefix: key }, signal);
      assert.deepEqual(
        entries.map((entry) => entry.key),
        [key],
      );
      const head = await store.head(key, signal);
      assert.equal(head.key, key);
      assert.equal(head.size, Buffer.byteLength(name));
      assert.equal(await textAt(trial, key), name);
      await store.remove([{ key }], signal);
      await rejectsWith('not-found', store.head(key, signal));
    });
  }

  promise(
    'odd names',
    'names that differ in an encoding only are different objects',
    async (trial) => {
      const { store, signal, prefix } = trial;
      const keys = ['a b', 'a+b', 'a%20b', 'a%2Bb', 'a%2520b'].map(
        (key) => `${prefix}alike/${key}`,
      );
      for (const key of keys) await store.put(key, bodyOf(key), {}, signal);
      for (const key of keys) assert.equal(await textAt(trial, key), key);
      const { entries } = await store.list({ prefix: `${prefix}alike/` }, signal);
      assert.deepEqual(
        entries.map((entry) => entry.key),
        keys.toSorted(),
      );
    },
  );

  promise('odd names', 'a name may begin with a slash', async (trial) => {
    const { store, signal, prefix } = trial;
    for (const key of [`/${prefix}slash`, `//${prefix}slashes`]) {
      await store.put(key, bodyOf(key), {}, signal);
      assert.equal(await textAt(trial, key), key);
      const { entries } = await store.list({ prefix: key }, signal);
      assert.equal(entries[0]?.key, key);
      await store.remove([{ key }], signal);
    }
  });

  promise('odd names', 'a name may have 1,024 bytes, and no more', async (trial) => {
    const { store, signal, prefix } = trial;
    const key = prefix + '中'.repeat(341).slice(0, Math.floor((1024 - prefix.length) / 3));
    const longest = key.padEnd(key.length + 1024 - Buffer.byteLength(key), 'x');
    assert.equal(Buffer.byteLength(longest), 1024);
    await store.put(longest, bodyOf('long'), {}, signal);
    assert.equal(await textAt(trial, longest), 'long');
    // Azure counts characters: only of ASCII they are as many as bytes.
    const longer = prefix.padEnd(1025, 'x');
    await rejectsWith('refused', store.put(longer, bodyOf('longer'), {}, signal));
  });

  promise(
    'odd names',
    'an empty name, and one that is no text, is refused',
    async ({ store, signal }) => {
      for (const key of ['', 'lone \ud800 surrogate']) {
        await rejectsWith('refused', store.put(key, bodyOf('x'), {}, signal));
        await rejectsWith('refused', store.read(key, {}, signal));
        await rejectsWith('refused', store.head(key, signal));
        await rejectsWith('refused', store.remove([{ key }], signal));
      }
    },
  );

  promise(
    ['odd names', 'removal'],
    'odd names are removed together',
    async ({ store, signal, prefix }) => {
      const keys = oddNames.map((name) => `${prefix}together/${name}`);
      for (const key of keys) await store.put(key, bodyOf('x'), {}, signal);
      await store.remove(
        keys.map((key) => ({ key })),
        signal,
      );
      const { entries } = await store.list({ prefix: `${prefix}together/` }, signal);
      assert.deepEqual(entries, []);
    },
  );

  promise(
    'removal',
    'removing keys that are gone is no error',
    async ({ store, signal, prefix }) => {
      await store.remove([{ key: `${prefix}gone` }], signal);
      await store.remove([{ key: `${prefix}gone` }, { key: `${prefix}gone too` }], signal);
      await store.remove([], signal);
    },
  );

  promise(
    'removal',
    'a removal with an ETag removes that object only',
    async ({ store, signal, prefix }) => {
      const [key, other] = [`${prefix}remove-pinned`, `${prefix}remove-pinned-too`];
      const { etag: first } = await store.put(key, bodyOf('first'), {}, signal);
      const { etag: second } = await store.put(key, bodyOf('second'), {}, signal);
      await store.put(other, bodyOf('other'), {}, signal);
      await rejectsWith('changed', store.remove([{ key, ifMatch: first }], signal));
      assert.equal((await store.head(key, signal)).etag, second);
      await store.remove([{ key, ifMatch: second }, { key: other }], signal);
      await rejectsWith('not-found', store.head(key, signal));
      await rejectsWith('not-found', store.head(other, signal));
      await store.remove([{ key, ifMatch: second }], signal);
    },
    { needs: 'conditionalRemove' },
  );

  promise('removal', 'a removal whose condition is not honoured is not made', async (trial) => {
    const { store, signal, prefix } = trial;
    if (store.traits.conditionalRemove) return;
    const [key, other] = [`${prefix}remove-unpinned`, `${prefix}remove-unpinned-too`];
    const { etag } = await store.put(key, bodyOf('bytes'), {}, signal);
    await store.put(other, bodyOf('bytes'), {}, signal);
    const removals = [{ key: other }, { key, ifMatch: etag }];
    await rejectsWith('unsupported', store.remove(removals, signal));
    await store.head(key, signal);
    await store.head(other, signal);
  });

  promise(
    'removal',
    'more keys are removed than fit in one request',
    async ({ store, signal, prefix }) => {
      const there = `${prefix}batch/1050`;
      await store.put(there, bodyOf('x'), {}, signal);
      const keys = Array.from({ length: 1051 }, (_, number) => `${prefix}batch/${number}`);
      await store.remove(
        keys.map((key) => ({ key })),
        signal,
      );
      await rejectsWith('not-found', store.head(there, signal));
    },
  );
}
