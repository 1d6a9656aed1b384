import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { after, before, beforeEach } from 'node:test';
import { Secret } from '../../src/platform/base/seal.ts';
import { openAdapter } from '../../src/platform/stores/open-store.ts';
import type { Store } from '../../src/platform/stores/store.ts';
import { ManualClock } from './manual-clock.ts';

export const ACCOUNT_KEY = Buffer.from('the key of the account').toString('base64');
export const SAS = 'sv=2020-12-06&sr=c&sp=rl&sig=c2lnbmF0dXJlIG9mIGl0';
/** What every head has. */
export const head = { 'etag': '"0x8D"', 'last-modified': 'Mon, 01 Jan 2024 00:00:00 GMT' };

interface RefusalDetails {
  readonly message?: string;
  /** More elements of the error. */
  readonly detail?: string;
  readonly headers?: Readonly<Record<string, string>>;
}

/**
 * A server that sends the answers that a test specifies, one for each request, and stores that use it. Create it at
 * the top of a test file: it starts and stops with the tests of the file, and is reset before each test.
 */
export class ScriptedAzure {
  readonly clock = new ManualClock();
  readonly #server: Server;
  #answers: ((response: ServerResponse) => void)[] = [];
  asked: IncomingMessage[] = [];
  bodies: string[] = [];
  #store: Store | undefined;
  #withSas: Store | undefined;

  constructor() {
    this.#server = createServer((request, response) => this.#answer(request, response));
    before(() => this.#start());
    after(() => this.#stop());
    beforeEach(() => {
      this.#answers = [];
      this.asked = [];
      this.bodies = [];
      this.clock.time = Date.parse('2024-01-01T00:00:00Z');
    });
  }

  /** Authorized by the account's key. */
  get store(): Store {
    if (this.#store === undefined) throw new Error('not before the tests');
    return this.#store;
  }

  /** Authorized by a token. */
  get withSas(): Store {
    if (this.#withSas === undefined) throw new Error('not before the tests');
    return this.#withSas;
  }

  next(answer: (response: ServerResponse) => void): void {
    this.#answers.push(answer);
  }

  says(text: string, headers: Readonly<Record<string, string>> = {}, status = 200): void {
    this.next((response) => {
      const date = new Date(this.clock.time).toUTCString();
      const length = Buffer.byteLength(text);
      response.writeHead(status, { 'content-length': length, date, ...headers });
      response.end(text);
    });
  }

  refuses(status: number, code: string, details: RefusalDetails = {}): void {
    const { message = 'no', detail = '', headers } = details;
    const inner = `<Code>${code}</Code><Message>${message}\nRequestId:1\nTime:2</Message>${detail}`;
    this.says(
      `\ufeff<?xml version="1.0" encoding="utf-8"?><Error>${inner}</Error>`,
      { 'x-ms-error-code': code, 'x-ms-request-id': 'id-1', ...headers },
      status,
    );
  }

  #answer(request: IncomingMessage, response: ServerResponse): void {
    this.asked.push(request);
    let body = '';
    request.on('data', (chunk: Buffer) => {
      body += chunk.toString();
    });
    request.on('end', () => {
      this.bodies.push(body);
      const answer = this.#answers.shift();
      if (answer === undefined) response.destroy();
      else answer(response);
    });
  }

  async #start(): Promise<void> {
    await new Promise<void>((resolve) => this.#server.listen(0, '127.0.0.1', resolve));
    this.#store = this.#open(ACCOUNT_KEY);
    this.#withSas = this.#open(SAS);
  }

  #open(secret: string): Store {
    const { port } = this.#server.address() as AddressInfo; // It listens on TCP.
    return openAdapter({
      dialect: 'Azure',
      region: '',
      bucket: 'container',
      endpoint: `http://127.0.0.1:${port}`,
      credentials: { accessKeyId: 'account', secretAccessKey: new Secret(secret) },
      clock: this.clock,
    });
  }

  async #stop(): Promise<void> {
    await this.store[Symbol.asyncDispose]();
    await this.withSas[Symbol.asyncDispose]();
    this.#server.close();
  }
}
