import { existsSync, readFileSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { expect } from 'chai';
import { makeAgent, newCall, postTo } from '../support/calls.ts';
import { describeWithTools } from '../support/describe-with-tools.ts';
import { codeOf } from '../support/page-code.ts';
import { startReceiver, type ReceivedRequest } from '../support/receiver.ts';
import { startBuiltServer } from './built-server.ts';
import { runProgram } from './programs.ts';
import { describeWith, TOOLS } from './tools.ts';

const PAGE = readFileSync(join(import.meta.dirname, '../../docs/endpoint-guide.md'), 'utf8');
const SECRET = `whsec_${Buffer.alloc(24, 7).toString('base64')}`;
const OTHER = `whsec_${Buffer.alloc(24, 8).toString('base64')}`;
const BODY = { text: 'Grüße 👍', list: [1, null] };
const HMAC = {
  secretName: 'SIGNING_KEY',
  header: 'X-Signature',
  signedPayload: '{timestamp}.{body}',
  headerValue: 't={timestamp},v1={signature}',
};

/** Calls both functions of the page with each message, and prints what they returned, or the name of the error. */
const PYTHON_MAIN = `
import json, sys

def outcome(verify, *arguments):
    try:
        return verify(*arguments)
    except Exception as error:
        return type(error).__name__

results = []
for message in json.load(sys.stdin):
    body, headers, secret = message["body"].encode(), message["headers"], message["secret"]
    results.append(outcome(verify_standard, body, headers, secret))
    results.append(outcome(verify_hmac, body, headers["x-signature"], secret))
print(json.dumps(results))
`;

/** These take id, timestamp, signatures, secret and body as arguments, and print whether the function accepts them. */
const GO_MAIN = `package main

import ("fmt"; "net/http"; "os")

func main() {
	header := http.Header{}
	header.Set("webhook-id", os.Args[1])
	header.Set("webhook-timestamp", os.Args[2])
	header.Set("webhook-signature", os.Args[3])
	fmt.Println(VerifyStandard([]byte(os.Args[5]), header, os.Args[4]) == nil)
}
`;
const JAVA_MAIN = `
class Main {
  public static void main(String[] a) throws Exception {
    byte[] body = Base64.getDecoder().decode(a[4]);
    System.out.println(StandardWebhook.verify(body, a[0], a[1], a[2], a[3]));
  }
}
`;

/** Returns a request that a real server has signed in both ways. */
async function signedRequest(): Promise<ReceivedRequest> {
  const receiver = await startReceiver();
  const server = await startBuiltServer();
  const agent = await makeAgent(server.rpc, {
    secrets: { SIGNING_KEY: SECRET },
    pre: postTo(receiver.url, BODY, { signingSecretNames: ['SIGNING_KEY'], hmacSignature: HMAC }),
  });
  await server.rpc.calls.onCallStart(newCall(agent));
  await server.stop();
  await receiver.close();
  return receiver.requests[0] as ReceivedRequest;
}

describeWith(['python'], 'docs/endpoint-guide.md, in Python', function () {
  this.timeout(60_000);

  it('verifies both signatures, and refuses another body and another secret', async () => {
    const { body, headers } = await signedRequest();
    const message = { body, headers, secret: SECRET };
    const { exitCode, stdout, stderr } = await runProgram(
      TOOLS.python,
      ['-c', codeOf(PAGE, 'verify python') + PYTHON_MAIN],
      { input: JSON.stringify([message, { ...message, secret: OTHER }, { ...message, body: '{}' }]) },
    );
    expect(exitCode, stderr).to.equal(0);
    const refused = ['WebhookVerificationError', 'ValueError'];
    expect(JSON.parse(stdout)).to.deep.equal([BODY, null, ...refused, ...refused]);
  });
});

const PATHS = [...(process.env['PATH'] ?? '').split(delimiter), '/usr/local/go/bin'];
const env = { ...process.env, PATH: PATHS.join(delimiter), GOTOOLCHAIN: 'local', GOPROXY: 'off' };
const missing = ['go', 'javac'].filter((name) => !PATHS.some((path) => existsSync(join(path, name))));

describeWithTools({ missing, target: 'test-clients' }, 'docs/endpoint-guide.md, compiled', function () {
  this.timeout(120_000);
  let folder: string;
  let request: ReceivedRequest;
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'callhooks-endpoint-'));
    request = await signedRequest();
  });
  after(() => rm(folder, { recursive: true, force: true }));

  const run = async (file: string, ...args: string[]): Promise<string> => {
    const { exitCode, stdout, stderr } = await runProgram(file, args, { cwd: folder, env });
    expect(exitCode, stderr).to.equal(0);
    return stdout.trim();
  };
  const messages = (toBody: (text: string) => string): string[][] => {
    const names = ['webhook-id', 'webhook-timestamp', 'webhook-signature'];
    const [id = '', timestamp = '', signatures = ''] = names.map((name) => String(request.headers[name]));
    const bodies = [toBody(request.body), toBody('{}')];
    return [
      [id, timestamp, `v1,AAAA ${signatures}`, SECRET, ...bodies.slice(0, 1)],
      [id, timestamp, signatures, SECRET, ...bodies.slice(1)],
      [id, timestamp, signatures, OTHER, ...bodies.slice(0, 1)],
      [id, '1700000000', signatures, SECRET, ...bodies.slice(0, 1)],
    ];
  };
  const expected = ['true', 'false', 'false', 'false'];

  it('verifies Standard Webhooks in Go, and refuses another body, secret and time', async () => {
    const code = codeOf(PAGE, 'verify go').replace('package endpoint', 'package main');
    await writeFile(join(folder, 'verify.go'), code);
    await writeFile(join(folder, 'main.go'), GO_MAIN);
    await run('go', 'build', '-o', 'verify', 'verify.go', 'main.go');
    const results = messages((body) => body).map((args) => run(join(folder, 'verify'), ...args));
    expect(await Promise.all(results)).to.deep.equal(expected);
  });

  it('verifies Standard Webhooks in Java, and refuses another body, secret and time', async () => {
    await writeFile(join(folder, 'Main.java'), codeOf(PAGE, 'verify java') + JAVA_MAIN);
    await run('javac', 'Main.java');
    const results = messages((body) => Buffer.from(body).toString('base64')).map((args) =>
      run('java', '-cp', folder, 'Main', ...args),
    );
    expect(await Promise.all(results)).to.deep.equal(expected);
  });
});
