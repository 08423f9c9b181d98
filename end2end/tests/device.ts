// A device that requests access: RFC 8628 without a library.
import { CLIENT, type Portal } from './portal.ts';

const GRANT_TYPE = 'urn:ietf:params:oauth:grant-type:device_code';

export class Device {
  private constructor(private readonly portal: Portal, private readonly answer: Record<string, string>) {}

  /** Starts a device grant of the test data's client. */
  static async start(portal: Portal, scope = 'hosts:read keys:create'): Promise<Device> {
    const { status, body } = await ask(portal, 'device_authorization', { scope });
    if (status !== 200) throw new Error(`no code: ${status} ${JSON.stringify(body)}`);
    return new Device(portal, body);
  }

  get code(): string {
    return this.answer.user_code;
  }

  get address(): string {
    return this.answer.verification_uri;
  }

  get completeAddress(): string | undefined {
    return this.answer.verification_uri_complete;
  }

  /** Polls once: `'token'` or the error. Twice within five seconds is `slow_down`. */
  async poll(): Promise<string> {
    const { body } = await ask(this.portal, 'token', { grant_type: GRANT_TYPE, device_code: this.answer.device_code });
    return body.access_token ? 'token' : body.error;
  }
}

async function ask(portal: Portal, endpoint: string, form: Record<string, string>) {
  const response = await fetch(`${portal.url}/t/test/oauth/${endpoint}`, {
    method: 'POST',
    headers: { authorization: `Basic ${btoa(`${CLIENT.id}:${CLIENT.secret}`)}`, 'user-agent': 'notebook/4.2' },
    body: new URLSearchParams(form),
  });
  return { status: response.status, body: (await response.json()) as Record<string, string> };
}
