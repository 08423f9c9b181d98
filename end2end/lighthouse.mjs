// Lighthouse over the given pages: `lighthouse.mjs BASE COOKIE PAGE…`. Runs Chromium itself, with connections to this
// machine only.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';

const { default: lighthouse } = await import(process.env.LIGHTHOUSE);
const [base, cookie, ...pages] = process.argv.slice(2);
const CATEGORIES = ['performance', 'accessibility', 'best-practices'];
const AIM = { performance: 95, accessibility: 100, 'best-practices': 100 };
const desktop = {
  formFactor: 'desktop',
  screenEmulation: { mobile: false, width: 1350, height: 940, deviceScaleFactor: 1 },
  throttling: { rttMs: 40, throughputKbps: 10240, cpuSlowdownMultiplier: 1 },
};

const probe = createServer().listen(0, '127.0.0.1');
await once(probe, 'listening');
const { port } = probe.address();
probe.close();
await once(probe, 'close');
const profile = await mkdtemp(join(tmpdir(), 'lighthouse-'));
const flags = ['--headless=new', '--no-sandbox', '--disable-gpu', '--disable-dev-shm-usage', '--no-first-run', '--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1'];
const browser = spawn(process.env.CHROMIUM || 'chromium', [...flags, `--remote-debugging-port=${port}`, `--user-data-dir=${profile}`, 'about:blank'], { stdio: 'ignore', detached: true });
let short = 0;
try {
  for (let tries = 0; !(await fetch(`http://127.0.0.1:${port}/json/version`).catch(() => undefined))?.ok; tries++) {
    if (tries > 100) throw new Error('Chromium does not start');
    await wait(100);
  }
  for (const page of pages) {
    for (const [form, settings] of Object.entries({ mobile: { formFactor: 'mobile' }, desktop })) {
      const config = { extends: 'lighthouse:default', settings: { ...settings, onlyCategories: CATEGORIES, extraHeaders: { Cookie: cookie } } };
      const { lhr } = await lighthouse(base + page, { port, output: 'json', logLevel: 'error' }, config);
      const scores = CATEGORIES.map(name => [name, Math.round((lhr.categories[name].score ?? 0) * 100)]);
      const below = scores.filter(([name, score]) => score < AIM[name]).map(([name]) => name);
      const why = below.flatMap(name => lhr.categories[name].auditRefs.filter(ref => ref.weight > 0 && (lhr.audits[ref.id].score ?? 1) < 0.9).map(ref => ref.id));
      if (lhr.runtimeError) why.unshift(lhr.runtimeError.message);
      short += below.length;
      const moved = new URL(lhr.finalDisplayedUrl).pathname !== page.split('?')[0] ? ` (led to ${lhr.finalDisplayedUrl})` : '';
      console.log(`  ${page.padEnd(24)} ${form.padEnd(8)} ${scores.map(([name, score]) => `${name} ${score}`).join('  ')}${moved}  ${why.join(' ')}`);
    }
  }
} finally {
  process.kill(-browser.pid);
  await once(browser, 'exit');
  await rm(profile, { recursive: true, force: true, maxRetries: 5 });
}
console.log(short === 0 ? '  every page reaches 95, 100 and 100' : `  ${short} scores are below 95, 100 and 100`);
