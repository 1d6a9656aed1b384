import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { type GoServer, goServerMissing, rootUser, startGoServer } from './go-server.ts';

/** Why no Versity gateway can be started here; undefined where one can. */
export function versitygwMissing(): string | undefined {
  return goServerMissing('versitygw');
}

/** Starts a gateway whose buckets are folders of a file system. */
export function startVersitygw(): Promise<GoServer> {
  return startGoServer({
    program: 'versitygw',
    args: ({ folder, port }) => {
      const root = join(folder, 'root');
      mkdirSync(root);
      return ['--port', `127.0.0.1:${port}`, 'posix', root];
    },
    environment: {
      ROOT_ACCESS_KEY: rootUser.accessKeyId,
      ROOT_SECRET_KEY: rootUser.secretAccessKey,
    },
  });
}
