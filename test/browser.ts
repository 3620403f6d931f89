/** A real web browser without a window, for tests of pages. It is driven over two pipes (the DevTools protocol), so no port is open. */

import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Readable, Writable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';

type Test = { teardown(undo: () => unknown): void };

const NAMES = ['chromium-headless-shell', 'chromium', 'google-chrome', 'chrome'];
const program = NAMES.flatMap((name) => (process.env.PATH ?? '').split(':').map((folder) => join(folder, name))).find(
  (path) => existsSync(path),
);
/** Options of a test that needs a browser. */
export const needsBrowser =
  program === undefined ? { skip: `no browser: none of ${NAMES.join(', ')} is installed` } : {};

interface Message {
  id?: number;
  sessionId?: string;
  method?: string;
  params?: Record<string, unknown>;
  result?: Record<string, unknown>;
  error?: { message: string };
}

export class Browser {
  /** What pages wrote to their console, faults of scripts, requests that failed, and what the content security policy has stopped. */
  readonly complaints: string[] = [];
  /** Addresses that pages asked for. */
  readonly requests: string[] = [];
  private readonly child: ChildProcess;
  private readonly waiting = new Map<number, (message: Message) => void>();
  private readonly folder = mkdtempSync(join(tmpdir(), 'browser-test-'));
  private last = 0;

  constructor(t: Test) {
    const flags = [
      '--headless',
      '--remote-debugging-pipe',
      '--disable-gpu',
      '--disable-dev-shm-usage',
      '--no-first-run',
      '--no-proxy-server',
      '--window-size=1200,900',
      `--user-data-dir=${this.folder}`,
      // Its sandbox refuses root.
      ...(process.getuid?.() === 0 ? ['--no-sandbox'] : []),
    ];
    this.child = spawn(program!, flags, {
      stdio: ['ignore', 'ignore', 'ignore', 'pipe', 'pipe'],
      detached: true,
    });
    // What is written to a browser that is gone.
    this.child.stdio[3]!.on('error', () => {});
    let text = '';
    (this.child.stdio[4] as Readable).setEncoding('utf8').on('data', (part: string) => {
      const messages = (text + part).split('\0');
      text = messages.pop()!;
      for (const message of messages) this.take(JSON.parse(message));
    });
    t.teardown(() => this.close());
  }

  /** Opens a page. */
  async open(url: string): Promise<Page> {
    const { targetId } = await this.command('Target.createTarget', { url: 'about:blank' });
    const { sessionId } = await this.command('Target.attachToTarget', { targetId, flatten: true });
    const page = new Page(this, String(sessionId));
    for (const domain of ['Page', 'Runtime', 'Log', 'Network']) await page.command(`${domain}.enable`);
    await page.command('Page.navigate', { url });
    return page;
  }

  async command(method: string, params: object = {}, sessionId?: string): Promise<Record<string, unknown>> {
    const id = ++this.last;
    const answer = new Promise<Message>((resolve) => this.waiting.set(id, resolve));
    const message = JSON.stringify({ id, method, params, ...(sessionId === undefined ? {} : { sessionId }) });
    (this.child.stdio[3] as Writable).write(`${message}\0`);
    const { result, error } = await answer;
    if (error) throw new Error(`${method}: ${error.message}`);
    return result ?? {};
  }

  private take(message: Message): void {
    const { id, method, params } = message;
    if (id !== undefined) {
      this.waiting.get(id)?.(message);
      this.waiting.delete(id);
    } else if (method === 'Network.requestWillBeSent') {
      this.requests.push((params as { request: { url: string } }).request.url);
    } else if (method === 'Runtime.exceptionThrown' || method === 'Runtime.consoleAPICalled') {
      this.complaints.push(JSON.stringify(params));
    } else if (method === 'Log.entryAdded') {
      const { level, text } = (params as { entry: { level: string; text: string } }).entry;
      if (level === 'error') this.complaints.push(text);
    }
  }

  private async close(): Promise<void> {
    const ended = new Promise((resolve) => this.child.once('exit', resolve));
    // The browser is several processes; they are one group.
    process.kill(-this.child.pid!, 'SIGKILL');
    if (this.child.exitCode === null && this.child.signalCode === null) await ended;
    for (const pipe of this.child.stdio) pipe?.destroy();
    rmSync(this.folder, { recursive: true, force: true, maxRetries: 5 });
  }
}

export class Page {
  private readonly browser: Browser;
  private readonly session: string;

  constructor(browser: Browser, session: string) {
    this.browser = browser;
    this.session = session;
  }

  command(method: string, params: object = {}): Promise<Record<string, unknown>> {
    return this.browser.command(method, params, this.session);
  }

  /** The value of an expression in the page. @throws Error if it throws there */
  async value<T>(expression: string): Promise<T> {
    const { result, exceptionDetails } = await this.command('Runtime.evaluate', {
      expression,
      returnByValue: true,
      awaitPromise: true,
    });
    if (exceptionDetails) throw new Error(`in the page: ${JSON.stringify(exceptionDetails)}`);
    return (result as { value: T }).value;
  }

  /** Waits until an expression is true in the page. */
  async until(expression: string): Promise<void> {
    for (let i = 0; i < 600; i++) {
      if (await this.value<boolean>(`Boolean(${expression})`).catch(() => false)) return;
      await sleep(50);
    }
    throw new Error(`never: ${expression}\n${await this.value('document.body.innerText')}`);
  }
}
