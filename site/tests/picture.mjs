// Makes docs/page.png: what a visitor sees during a window, on a wide screen and on a telephone at night.
//   npm run picture
import { readFile } from 'node:fs/promises';
import http from 'node:http';
import { fileURLToPath } from 'node:url';

import { startBrowser } from './browser.mjs';
import { startEdge } from './edge.mjs';

const TARGET = fileURLToPath(new URL('../../docs/page.png', import.meta.url));
const NOW = new Date('2026-12-06T02:25:00Z');
const WINDOW = { end: '2026-12-06T04:00:00Z', message: 'We are moving to a faster home. Your basket is safe.' };
const SCREENS = [
  { width: 640, options: { locale: 'en-GB', timezoneId: 'Europe/London', colorScheme: 'light' } },
  { width: 320, options: { locale: 'de-DE', timezoneId: 'Europe/Berlin', colorScheme: 'dark' } },
];
const HEIGHT = 598;

const closed = http.createServer((_, response) => response.writeHead(503, { 'content-type': 'text/plain' }).end('Down for maintenance.'));
await new Promise((resolve) => closed.listen(0, '127.0.0.1', resolve));
const errors = new URL('../errors/', import.meta.url);
const edge = await startEdge({
  origin: `http://127.0.0.1:${closed.address().port}`,
  pages: (name) => (name === 'window.json' ? Buffer.from(JSON.stringify(WINDOW)) : readFile(new URL(name, errors))),
});
const browser = await startBrowser();
try {
  const pictures = [];
  for (const { width, options } of SCREENS) {
    const context = await browser.newContext({ ...options, viewport: { width, height: HEIGHT } });
    const page = await context.newPage();
    // A fixed moment, so that the same pages make the same picture.
    await page.clock.setFixedTime(NOW);
    await page.goto(`${edge.url}/`);
    await page.locator('#when').waitFor();
    pictures.push((await page.screenshot()).toString('base64'));
    await context.close();
  }
  const gap = 16;
  const width = SCREENS.reduce((sum, screen) => sum + screen.width + gap, gap);
  const page = await browser.newPage({ viewport: { width, height: HEIGHT + 2 * gap } });
  await page.setContent(`<style>body{margin:${gap}px;display:flex;gap:${gap}px;background:#fff}img{border-radius:8px;box-shadow:0 0 0 1px #ccc}</style>${
    pictures.map((picture) => `<img src="data:image/png;base64,${picture}">`).join('')}`);
  await page.screenshot({ path: TARGET });
} finally {
  await browser.close();
  await edge.close();
  closed.close();
}
