// Anything that a browser reports fails the test: errors and warnings, CSP violations, requests to other hosts.
import type { BrowserContext } from '@playwright/test';

export class Watch {
  private readonly complaints: string[] = [];
  private readonly refusedPages = new Set<string>();

  static async over(context: BrowserContext, origin: string, scripts: boolean): Promise<Watch> {
    const watch = new Watch();
    await context.addInitScript(observeHydration);
    context.on('console', message => {
      if (!['error', 'warning'].includes(message.type())) return;
      // Chromium reports a page with status 4xx as an error; these pages are expected, and tests check their text.
      const page = message.text().startsWith('Failed to load resource') && watch.refusedPages.has(message.location().url);
      // Chromium preloads the WASM even if scripts are disabled, and warns that it is unused.
      const unused = !scripts && /\.wasm was preloaded using link preload but not used/.test(message.text());
      if (!page && !unused) watch.complaints.push(`console ${message.type()}: ${message.text()} (${message.location().url})`);
    });
    context.on('weberror', error => watch.complaints.push(`page error: ${error.error()}`));
    context.on('response', response => {
      if (response.request().isNavigationRequest() && response.status() >= 400 && response.status() < 500) {
        watch.refusedPages.add(response.url());
      }
    });
    context.on('request', request => {
      const { protocol, origin: to } = new URL(request.url());
      if (to !== origin && !['data:', 'blob:', 'about:'].includes(protocol)) watch.complaints.push(`request to elsewhere: ${request.url()}`);
    });
    return watch;
  }

  /** For tests that cause errors on purpose. */
  forgive(what: RegExp): void {
    for (let i = this.complaints.length - 1; i >= 0; i--) if (what.test(this.complaints[i])) this.complaints.splice(i, 1);
  }

  all(): string[] {
    return this.complaints;
  }
}

/** Sets an attribute on the document as soon as the islands are hydrated, which completes before the next task. */
function observeHydration() {
  const hydrated = () => {
    const { port1, port2 } = new MessageChannel();
    port1.onmessage = () => (document.documentElement.dataset.awake = '');
    port2.postMessage(null);
  };
  const instantiate = WebAssembly.instantiateStreaming;
  WebAssembly.instantiateStreaming = async (...args) => {
    const module = await instantiate(...args);
    hydrated();
    return module;
  };
  document.addEventListener('securitypolicyviolation', event => console.error(`CSP: ${event.violatedDirective} ${event.blockedURI}`));
}
