/** The page of a back-test in a real browser: on its own, legible on wide and narrow screens. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { compareRuns } from '../../src/core/backtest/compare.ts';
import { presetSpecification } from '../../src/core/descriptors/ace/presets.ts';
import { backtestPage } from '../../src/cli/backtest-report.ts';
import { writeBacktestPage } from '../../src/formats/backtest-page.ts';
import { backtestRun } from '../support/backtest-pools.ts';
import { describeWithChromium, launchChromium } from '../support/chromium.ts';

const LABELS = [5, 10, 20, 40, 80, 130];
const STRATEGIES = ['random', 'stratified-i-optimal', 'balanced-random', 'd-optimality', 'max-variance'];
const runs = [0, 1, 2].flatMap((split) =>
  STRATEGIES.flatMap((strategy, s) =>
    Array.from({ length: strategy.includes('random') ? 3 : 1 }, (_, run) =>
      backtestRun(
        strategy,
        split,
        run,
        LABELS,
        LABELS.map((n) => (1 - 0.1 * s + 0.05 * run + 0.02 * split) / Math.sqrt(n)),
      ),
    ),
  ),
);
const setup = {
  ...{ structures: 6, atoms: 48, groups: { a: 3, b: 3 }, groupOf: ['a', 'a', 'a', 'b', 'b', 'b'], pool: 4, test: 2 },
  ...{ heldOut: 0, functions: 122, specification: presetSpecification('small', ['Si'], 5), memory: 1e6, notes: [] },
};

describeWithChromium('the page of a back-test', () => {
  let browser: Browser;
  let folder: string;
  let page: Page;
  const errors: string[] = [];
  const requests: string[] = [];

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'querent-backtest-page-'));
    const html = writeBacktestPage(backtestPage('silicon', setup, runs, compareRuns(runs, 'balanced-random')));
    writeFileSync(join(folder, 'backtest.html'), html);
    browser = await launchChromium();
    page = await browser.newPage({ viewport: { width: 1200, height: 900 } });
    page.on('console', (message) => errors.push(message.text()));
    page.on('pageerror', (error) => errors.push(error.message));
    page.on('request', (request) => requests.push(request.url()));
    await page.goto(`file://${join(folder, 'backtest.html')}`);
  });
  afterAll(async () => {
    await browser?.close();
    rmSync(folder, { recursive: true, force: true });
  });

  it('asks for nothing but itself and has no errors', () => {
    expect(errors).toEqual([]);
    expect(requests).toEqual([`file://${join(folder, 'backtest.html')}`]);
  });

  it('names every strategy once in the legend and draws a line for each', async () => {
    expect(await page.locator('.legend li').allTextContents()).toEqual(STRATEGIES);
    const lines = await page.locator('.plots svg').first().locator('polyline').count();
    expect(lines).toBe(STRATEGIES.length);
    const colors = await page
      .locator('.plots svg')
      .first()
      .locator('polyline')
      .evaluateAll((list) => list.map((line) => line.getAttribute('stroke')));
    expect(new Set(colors).size).toBe(STRATEGIES.length);
  });

  it.each([1200, 390])('does not spill over %i pixels', async (width) => {
    await page.setViewportSize({ width, height: 900 });
    const wide = await page.evaluate<number>('document.documentElement.scrollWidth');
    expect(wide).toBeLessThanOrEqual(width);
    const plots = await page
      .locator('.plots svg')
      .evaluateAll((list) => list.map((svg) => svg.getBoundingClientRect()));
    for (const { left, right, height } of plots) {
      expect(left).toBeGreaterThanOrEqual(0);
      expect(right).toBeLessThanOrEqual(width);
      expect(height).toBeGreaterThan(200);
    }
  });

  it('keeps text of plots inside of them and off each other', async () => {
    await page.setViewportSize({ width: 1200, height: 900 });
    const outside = await page.locator('.plots svg').evaluateAll((list) =>
      list.flatMap((svg) => {
        const frame = svg.getBoundingClientRect();
        const boxes = [...svg.querySelectorAll('text')].map((text) => ({
          text: text.textContent,
          box: text.getBoundingClientRect(),
        }));
        const spilled = boxes.filter(
          ({ box }) => box.left < frame.left - 1 || box.right > frame.right + 1 || box.bottom > frame.bottom + 1,
        );
        const overlapping = boxes.filter(({ box }, k) =>
          boxes.some(
            (other, j) =>
              j < k &&
              box.left < other.box.right - 1 &&
              other.box.left < box.right - 1 &&
              box.top < other.box.bottom - 3 &&
              other.box.top < box.bottom - 3,
          ),
        );
        return [...spilled, ...overlapping].map(({ text }) => text);
      }),
    );
    expect(outside).toEqual([]);
  });
});
