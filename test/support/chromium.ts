/** The system's Chromium for tests of web pages: whether it is here, and pages served to it from folders. */
import { createReadStream, existsSync, statSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { extname, join, normalize } from 'node:path';
import { type Browser, chromium } from 'playwright-core';
import { describe, expect, it } from 'vitest';
import { findExecutable } from '../../src/node/execution/local.ts';

const EXECUTABLE = findExecutable('chromium') ?? findExecutable('google-chrome');
// Where the documented set-up installs the browser, its absence is a failure and not a reason to skip.
const REQUIRED = Boolean(process.env.CI) && existsSync('/etc/debian_version');
const REASON = EXECUTABLE === null ? ' (skipped: no chromium here; apt-get install chromium)' : '';

/** Tests that need Chromium: skipped with the reason in their title where it is missing, failed where it must be there. */
export function describeWithChromium(title: string, tests: () => void): void {
  it('Chromium is installed where the documented set-up installs it', () => {
    expect(EXECUTABLE !== null || !REQUIRED, 'chromium').toBe(true);
  });
  describe.runIf(EXECUTABLE !== null)(`${title}${REASON}`, tests);
}

/** Starts Chromium without a window and without connections of its own. */
export function launchChromium(): Promise<Browser> {
  return chromium.launch({
    executablePath: EXECUTABLE!,
    args: [
      '--no-sandbox',
      '--disable-gpu',
      '--disable-quic',
      '--no-first-run',
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-sync',
    ],
  });
}

const TYPES: Readonly<Record<string, string>> = {
  '.html': 'text/html',
  '.js': 'text/javascript',
  '.wasm': 'application/wasm',
  '.json': 'application/json',
};

/** A running server of a folder. */
export interface ServedFolder {
  readonly url: string;
  close(): Promise<void>;
}

/** Serves a folder on this machine; `isolated` pages may share memory between threads. */
export async function serveFolder(folder: string, isolated: boolean): Promise<ServedFolder> {
  const server: Server = createServer((request, response) => {
    const file = join(folder, normalize(new URL(request.url ?? '/', 'http://localhost').pathname));
    if (!existsSync(file) || !statSync(file).isFile()) {
      response.writeHead(404).end();
      return;
    }
    response.writeHead(200, {
      'Content-Type': TYPES[extname(file)] ?? 'application/octet-stream',
      ...(isolated
        ? { 'Cross-Origin-Opener-Policy': 'same-origin', 'Cross-Origin-Embedder-Policy': 'require-corp' }
        : {}),
    });
    createReadStream(file).pipe(response);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    close: () =>
      new Promise((resolve) => {
        server.closeAllConnections();
        server.close(() => resolve());
      }),
  };
}
