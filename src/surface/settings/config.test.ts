import assert from 'node:assert/strict';
import { inspect } from 'node:util';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { describeSettings, readSettings, type Settings, SettingsError } from './config.ts';

const key = 'a1'.repeat(32);

function noFile(): Promise<string> {
  return Promise.reject(new Error('no file was to be read'));
}

/** Reads settings with a file of this text. */
function withFile(text: string, environment: NodeJS.ProcessEnv = {}): Promise<Settings> {
  const path = '/etc/brigade/brigade.yaml';
  return readSettings({ ...environment, BRIGADE_CONFIG: path }, async (asked) => {
    assert.equal(asked, path);
    return text;
  });
}

async function mistakesOf(read: Promise<Settings>): Promise<readonly string[]> {
  try {
    await read;
  } catch (error) {
    assert.ok(error instanceof SettingsError, String(error));
    assert.ok(error.mistakes.every((mistake) => error.message.includes(mistake)));
    return error.mistakes;
  }
  return [];
}

describe('readSettings', () => {
  test('variables that only commands read are no mistake', async () => {
    const environment = { BRIGADE_URL: 'http://127.0.0.1:8080', BRIGADE_TOKEN: 'secret' };
    assert.equal((await readSettings(environment, noFile)).port, 8080);
  });

  test('has a default for every required setting', async () => {
    const settings = await readSettings({ PATH: '/bin', BRIGADE_PORT: '' }, noFile);
    const { databaseUrl, secretKey, bootstrapToken, bootstrapAccessKey, ...rest } = settings;
    const secrets = [databaseUrl, secretKey, bootstrapToken, bootstrapAccessKey];
    assert.deepEqual(new Set(secrets), new Set([undefined]));
    assert.deepEqual(rest, {
      roles: ['api', 'worker', 'scheduler'],
      host: '127.0.0.1',
      port: 8080,
      dataDir: './brigade-data',
      firstTokens: true,
      tlsMinVersion: 'TLSv1.2',
      trustProxy: [],
      logInsPerMinute: 30,
      authFailuresPerMinute: 60,
      callsPerMinute: 600,
      eventsPerMinute: 60_000,
      listsPerMinute: 3_000,
      allowEndpoints: [],
      logLevel: 'info',
      oldSecretKeys: [],
      concurrency: 48,
      taskConcurrency: 32,
      sizes: {
        bufferBytes: 1_048_576,
        putBytes: 33_554_432,
        partBytes: 16_777_216,
        partConcurrency: 4,
      },
      speedFloorBytes: 1_024,
      eventKeysMax: 100,
      tasksMax: 5,
      retentionDays: 90,
      auditDays: 400,
      uploadDays: 7,
      attemptsMax: 12,
      backoff: { baseMs: 1_000, maxMs: 900_000 },
      notFoundWaitMs: 60_000,
      checkBuckets: true,
      restoreDays: 3,
      restoreWaitMs: 259_200_000,
      leaseMs: 60_000,
      drainMs: 25_000,
      timeZone: 'UTC',
      endpoints: [],
      oidc: [],
    });
  });

  test('reads issuers from the file, and reports mistakes in them', async () => {
    const { oidc } = await withFile(
      'oidc: [{ issuer: "https://login.example/realm", audience: us, groupsClaim: roles }]',
    );
    assert.deepEqual(oidc, [
      {
        ...{ issuer: 'https://login.example/realm', audience: 'us' },
        ...{ groupsClaim: 'roles', userClaim: 'sub', mapsUsers: false },
      },
    ]);
    const mistakes = await mistakesOf(
      withFile(`oidc:
  - { issuer: "http://login.example", audience: us }
  - { issuer: "http://localhost:8090/realm", audience: us, jwksUri: "https://host/k?x" }
  - { issuer: "https://login.example" }
`),
    );
    const where = ' in /etc/brigade/brigade.yaml';
    const one = '{ issuer: "https://login.example", audience: us }';
    assert.deepEqual(await mistakesOf(withFile(`oidc: [${one}, ${one}]`)), [
      `oidc${where}: each entry must have an issuer of its own`,
    ]);
    assert.deepEqual(mistakes, [
      `oidc[0].issuer${where}: must be an https:// URL; http:// is allowed for this machine only`,
      `oidc[1].jwksUri${where}: must be an https:// URL; http:// is allowed for this machine only`,
      `oidc[2]${where}: must have audience`,
    ]);
  });

  test('reports invalid and conflicting settings of TLS, first tokens and trusted proxies', async () => {
    const environment = {
      BRIGADE_TLS_CERT_FILE: 'cert.pem',
      BRIGADE_TLS_MIN_VERSION: 'TLSv1',
      BRIGADE_TRUST_PROXY: '10.0.0.1, 10.1.0.0/16,::1,proxy.lan,10.0.0.0/33',
      BRIGADE_FIRST_TOKENS: 'false',
      BRIGADE_BOOTSTRAP_TOKEN: 'a-token-of-the-first-start',
    };
    const told = 'must be an address or a network, as 10.1.0.0/16';
    assert.deepEqual(await mistakesOf(readSettings(environment, noFile)), [
      'BRIGADE_TLS_MIN_VERSION: must be one of TLSv1.2, TLSv1.3',
      'BRIGADE_TLS_CERT_FILE and BRIGADE_TLS_KEY_FILE: one needs the other',
      'BRIGADE_BOOTSTRAP_TOKEN: would not be accepted, because BRIGADE_FIRST_TOKENS is false; remove one of the two',
      `entry 4 of BRIGADE_TRUST_PROXY: ${told}`,
      `entry 5 of BRIGADE_TRUST_PROXY: ${told}`,
    ]);
  });

  test('reads yes and no, and a first access key', async () => {
    assert.equal(
      (await readSettings({ BRIGADE_FIRST_TOKENS: 'false' }, noFile)).firstTokens,
      false,
    );
    assert.equal((await readSettings({ BRIGADE_FIRST_TOKENS: 'true' }, noFile)).firstTokens, true);
    const environment = { BRIGADE_FIRST_TOKENS: 'no', BRIGADE_BOOTSTRAP_ACCESS_KEY: 'AK:SK' };
    assert.deepEqual(await mistakesOf(readSettings(environment, noFile)), [
      'BRIGADE_BOOTSTRAP_ACCESS_KEY: must be AK:SK:PROJECT_ID: 4, 8 and 1 characters or more, without spaces',
      'BRIGADE_FIRST_TOKENS: must be boolean',
    ]);
  });

  test('the environment takes precedence over the file, setting by setting', async () => {
    const settings = await withFile('port: 1111\nconcurrency: 7\nlogLevel: debug\ndataDir:\n', {
      BRIGADE_PORT: '2222',
      BRIGADE_ALLOW_ENDPOINTS:
        'minio.lan:9000, 10.1.0.0/16,*.corp.example , https://S3.lan, fd00::1,',
    });
    assert.equal(settings.port, 2222);
    assert.equal(settings.concurrency, 7);
    assert.equal(settings.logLevel, 'debug');
    assert.equal(settings.dataDir, './brigade-data');
    assert.deepEqual(settings.allowEndpoints, [
      'minio.lan:9000',
      '10.1.0.0/16',
      '*.corp.example',
      'https://S3.lan',
      'fd00::1',
    ]);
  });

  test('reads endpoints from JSON as from YAML, and finds certificates beside the file', async () => {
    const entry = {
      cloud: 'AWS',
      region: '*',
      endpoint: 'https://minio.lan:9000',
      addressing: 'path',
      caFile: 'ca.pem',
    };
    const yaml = `endpoints:\n  - ${JSON.stringify(entry)}\n`;
    for (const text of [JSON.stringify({ endpoints: [entry] }, null, '\t'), yaml]) {
      const files: Record<string, string> = {
        '/etc/brigade/brigade.yaml': text,
        '/etc/brigade/ca.pem': 'the certificate',
      };
      const environment = { BRIGADE_CONFIG: '/etc/brigade/brigade.yaml' };
      const { endpoints } = await readSettings(environment, async (path) => files[path] ?? '');
      const { caFile, ...rest } = entry;
      assert.equal(caFile, 'ca.pem');
      assert.deepEqual(endpoints, [{ ...rest, ca: 'the certificate' }]);
      const broken = readSettings(environment, async (path) => {
        if (path.endsWith('.pem')) throw Object.assign(new Error('hunter2'), { code: 'EACCES' });
        return text;
      });
      assert.deepEqual(await mistakesOf(broken), [
        'endpoints[0].caFile in /etc/brigade/brigade.yaml: /etc/brigade/ca.pem cannot be read (EACCES)',
      ]);
    }
  });

  test('fewer roles than all need a database that several processes reach', async () => {
    const environment = { BRIGADE_ROLES: 'worker, scheduler' };
    assert.deepEqual(await mistakesOf(readSettings(environment, noFile)), [
      'BRIGADE_ROLES: the private database serves one process, so that no other can do the work of api; set BRIGADE_DATABASE_URL to a PostgreSQL that all processes reach, or leave the roles out',
    ]);
    const BRIGADE_DATABASE_URL = 'postgres://db/brigade';
    const { roles } = await readSettings({ ...environment, BRIGADE_DATABASE_URL }, noFile);
    assert.deepEqual(roles, ['worker', 'scheduler']);
    assert.deepEqual(
      await mistakesOf(readSettings({ BRIGADE_ROLES: 'apy', BRIGADE_DATABASE_URL }, noFile)),
      ['BRIGADE_ROLES[0]: must be one of api, worker, scheduler'],
    );
  });

  test('names every mistake at once, where it was made', async () => {
    const file = `
concurency: 3
taskConcurrency: many
bootstrapToken: 12345678901234567
timeZone: Mars/Olympus
endpoints:
  - { cloud: Acme, region: x, endpoint: "https://u:p@host/path" }
  - { cloud: AWS, endpoint: "https://host", caFlie: x }
`;
    const mistakes = await mistakesOf(
      withFile(file, {
        BRIGADE_PROT: '1',
        BRIGADE_PORT: '80 80',
        BRIGADE_LOG_LEVEL: 'loud',
        BRIGADE_PART_BYTES: '1024',
        BRIGADE_SECRET_KEY: 'short',
        BRIGADE_DATABASE_URL: 'postgres://u:p#ss@[host/db',
        BRIGADE_BACKOFF_BASE_MS: '5000',
        BRIGADE_BACKOFF_MAX_MS: '4000',
        BRIGADE_ENDPOINTS: 'x',
        BRIGADE_ALLOW_ENDPOINTS: 'good.lan,10.0.0.0/33,https://u:p@h,a b',
      }),
    );
    const where = ' in /etc/brigade/brigade.yaml';
    assert.deepEqual(
      [...mistakes].sort(),
      [
        'BRIGADE_BACKOFF_MAX_MS: must not be less than BRIGADE_BACKOFF_BASE_MS',
        'BRIGADE_DATABASE_URL: must be a postgres:// URL; signs in it may need escapes',
        'BRIGADE_ENDPOINTS: no such setting',
        'BRIGADE_PART_BYTES: must be >= 5242880',
        'BRIGADE_PORT: must be integer',
        'BRIGADE_PROT: no such setting; did you mean BRIGADE_PORT?',
        'BRIGADE_LOG_LEVEL: must be one of debug, info, warn, error, silent',
        'BRIGADE_SECRET_KEY: must be 32 bytes, as 64 hexadecimal digits or in base64',
        `endpoints[0].cloud${where}: must be one of AWS, Azure, Aliyun, Tencent, HuaweiCloud, QingCloud, KingsoftCloud, Baidu, Qiniu, UCloud, Google`,
        `endpoints[0].endpoint${where}: must be a scheme, a host and a port, like https://host:9000`,
        `endpoints[1]${where}: must have region`,
        `endpoints[1]${where}: no such name: caFlie; did you mean caFile?`,
        `bootstrapToken${where}: must be string`,
        'entry 2 of BRIGADE_ALLOW_ENDPOINTS: must be a host, host:port, *.domain, address, network or origin',
        'entry 3 of BRIGADE_ALLOW_ENDPOINTS: must be a host, host:port, *.domain, address, network or origin',
        'entry 4 of BRIGADE_ALLOW_ENDPOINTS: must be a host, host:port, *.domain, address, network or origin',
        `taskConcurrency${where}: must be integer`,
        `timeZone${where}: no such time zone`,
        `concurency${where}: no such setting; did you mean concurrency?`,
      ].sort(),
    );
  });

  test('a setting under a name that it no longer has is refused, with the new name', async () => {
    const where = ' in /etc/brigade/brigade.yaml';
    const environment = {
      BRIGADE_WIDTH: '8',
      BRIGADE_TASK_WIDTH: '8',
      BRIGADE_PART_WIDTH: '2',
    };
    assert.deepEqual(await mistakesOf(withFile('taskWidth: 4\n', environment)), [
      'BRIGADE_WIDTH: was renamed; set BRIGADE_CONCURRENCY instead',
      'BRIGADE_TASK_WIDTH: was renamed; set BRIGADE_TASK_CONCURRENCY instead',
      'BRIGADE_PART_WIDTH: was renamed; set BRIGADE_PART_CONCURRENCY instead',
      `taskWidth${where}: was renamed; set taskConcurrency${where} instead`,
    ]);
  });

  test('a name that is nearly one, at any depth and in any spelling, gets a suggestion', async () => {
    const where = ' in /etc/brigade/brigade.yaml';
    const file = [
      'BRIGADE_PORT: 1',
      'brigade_part_bytes: 5242880',
      'BRIGADE_ENDPOINT: []',
      'task-concurrency: 3',
      'endpoints: [{cloud: AWS, region: r, endpoint: "https://a", signingregion: x, ca_file: y}]',
      'oidc: [{issuer: "https://i", audience: a, groupclaim: g}]',
      'somethingelse: 1',
    ].join('\n');
    assert.deepEqual((await mistakesOf(withFile(file))).toSorted(), [
      `BRIGADE_ENDPOINT${where}: no such setting; did you mean endpoints?`,
      `BRIGADE_PORT${where}: no such setting; did you mean port?`,
      `a name that cannot be shown${where}: no such setting; did you mean taskConcurrency?`,
      `brigade_part_bytes${where}: no such setting; did you mean partBytes?`,
      `endpoints[0]${where}: no such name: signingregion; did you mean signingRegion?, ca_file; did you mean caFile?`,
      `oidc[0]${where}: no such name: groupclaim; did you mean groupsClaim?`,
      `somethingelse${where}: no such setting`,
    ]);
  });

  test('two places for one region of a cloud are a mistake', async () => {
    const entry = (cloud: string, region: string) =>
      `{cloud: ${cloud}, region: ${region}, endpoint: "https://a.example"}`;
    const all = [
      ...[entry('AWS', 'r'), entry('AWS', 's'), entry('Google', 'r')],
      ...[entry('AWS', '"*"'), entry('AWS', 's')],
    ];
    assert.deepEqual(await mistakesOf(withFile(`endpoints: [${all.join()}]`)), [
      'endpoints[4] in /etc/brigade/brigade.yaml: has the cloud and the region of endpoints[1] in /etc/brigade/brigade.yaml; leave one of them out',
    ]);
    assert.deepEqual(await mistakesOf(withFile(`endpoints: [${all.slice(0, 4).join()}]`)), []);
  });

  test('the message about a file that cannot be read or parsed does not repeat its content', async () => {
    const unreadable = readSettings({ BRIGADE_CONFIG: '/nowhere', BRIGADE_PROT: '1' }, async () => {
      throw Object.assign(new Error('hunter2'), { code: 'ENOENT' });
    });
    assert.deepEqual(await mistakesOf(unreadable), [
      'BRIGADE_PROT: no such setting; did you mean BRIGADE_PORT?',
      'BRIGADE_CONFIG: /nowhere cannot be read (ENOENT)',
    ]);
    for (const text of [
      'a: [hunter2',
      'port: 1\nport: 2 # hunter2',
      '- hunter2',
      'hunter2 secret: 1',
    ]) {
      const mistakes = await mistakesOf(withFile(text));
      assert.equal(mistakes.length, 1, text);
      assert.ok(!mistakes.join().includes('hunter2'), mistakes.join());
    }
  });

  test('secrets are wrapped and are not shown', async () => {
    const secrets = {
      BRIGADE_DATABASE_URL: 'postgres://u:hunter2@db/brigade',
      BRIGADE_SECRET_KEY: key,
      BRIGADE_BOOTSTRAP_TOKEN: 'a-token-of-some-length',
    };
    const settings = await readSettings(secrets, noFile);
    assert.equal(settings.databaseUrl?.reveal(), secrets.BRIGADE_DATABASE_URL);
    assert.equal(settings.secretKey?.reveal(), key);
    assert.equal(settings.bootstrapToken?.reveal(), secrets.BRIGADE_BOOTSTRAP_TOKEN);
    const shown = inspect(settings, { depth: 9 }) + JSON.stringify(settings);
    for (const secret of Object.values(secrets)) assert.ok(!shown.includes(secret));
  });

  test('rejects a token that a header cannot carry', async () => {
    for (const token of ['spaces in the middle', 'ends-in-a-line-end\n', 'schlüssel-zum-dienst']) {
      const [mistake = ''] = await mistakesOf(
        readSettings({ BRIGADE_BOOTSTRAP_TOKEN: token }, noFile),
      );
      assert.match(mistake, /^BRIGADE_BOOTSTRAP_TOKEN: must consist of printable ASCII characters/);
    }
  });

  test('never repeats an invalid value in a message', async () => {
    const variables = describeSettings().flatMap(({ variable }) => variable ?? []);
    const names = variables.filter((name) => name !== 'BRIGADE_CONFIG');
    // Letters that occur in no message and no name.
    const value = fc.stringMatching(/^[qQ#@%;: ]{0,3}Qq7[qQ7#@%]{3,30}$/);
    await fc.assert(
      fc.asyncProperty(fc.dictionary(fc.constantFrom(...names), value), async (environment) => {
        const mistakes = (await mistakesOf(readSettings(environment, noFile))).join('\n');
        for (const text of Object.values(environment)) assert.ok(!mistakes.includes(text));
        const file = Object.entries(environment).map(([name, text]) => [nameInFile(name), text]);
        const told = (await mistakesOf(withFile(JSON.stringify(Object.fromEntries(file))))).join(
          '\n',
        );
        for (const text of Object.values(environment)) assert.ok(!told.includes(text));
      }),
    );
  });
});

function nameInFile(variable: string): string {
  return describeSettings().find((row) => row.variable === variable)?.key ?? '';
}

describe('describeSettings', () => {
  test('has a row for each, with its name in both places', () => {
    const rows = describeSettings();
    const row = rows.find(({ variable }) => variable === 'BRIGADE_BACKOFF_BASE_MS');
    assert.deepEqual(row, {
      variable: 'BRIGADE_BACKOFF_BASE_MS',
      key: 'backoffBaseMs',
      takes: 'integer, 10 to 3600000',
      default: '1000',
      description: 'Milliseconds before the second attempt; doubled for each further attempt',
      secret: false,
    });
    assert.equal(rows[0]?.variable, 'BRIGADE_CONFIG');
    assert.deepEqual(
      rows.flatMap(({ secret, key: name }) => (secret ? name : [])),
      ['databaseUrl', 'secretKey', 'oldSecretKeys', 'bootstrapToken', 'bootstrapAccessKey'],
    );
    assert.ok(rows.every(({ description }) => description !== ''));
    assert.equal(rows.find(({ key: name }) => name === 'endpoints')?.variable, undefined);
  });
});
