import { networkInterfaces } from "node:os";
import { expect, test } from "vitest";
import { reachableProviders } from "../../localstack/in-process.ts";
import { connect, text } from "../../src/index.ts";
import { type RunningCommand, runCommandLine, startCommand } from "./command-line.ts";

async function lines(command: RunningCommand, count: number): Promise<readonly string[]> {
  const complete = (): string[] => command.output().split("\n").slice(0, -1);
  await expect.poll(complete, { timeout: 20_000 }).toHaveLength(count);
  return complete();
}

test("runs what it prints, until Ctrl-C", async () => {
  const command = startCommand(["emulators", "--json", "--topics", "flights,failed", "--partitions", "3"]);
  const printed = (await lines(command, reachableProviders.length)).map(
    (line) => JSON.parse(line) as { readonly provider: string; readonly url: string; readonly environment: object },
  );
  expect(printed.map(({ provider }) => provider)).toEqual(reachableProviders);
  const { url, environment } = printed.find(({ provider }) => provider === "kafka")!;
  expect(environment).toEqual({ STREAM_URL: url });
  const pubsub = printed.find(({ provider }) => provider === "pubsub")!;
  const { host } = new URL(new URL(pubsub.url.replace("pubsub:", "http:")).searchParams.get("endpoint")!);
  expect(pubsub.environment).toMatchObject({ STREAM_URL: pubsub.url, PUBSUB_EMULATOR_HOST: host });
  const ofKinesis = printed.find(({ provider }) => provider === "kinesis")!;
  const endpoint = new URL(ofKinesis.url.replace(/^kinesis:/, "http:")).searchParams.get("endpoint");
  expect(ofKinesis.environment).toMatchObject({
    STREAM_URL: ofKinesis.url,
    AWS_ENDPOINT_URL_KINESIS: endpoint,
    AWS_ENDPOINT_URL_DYNAMODB: endpoint,
    AWS_REGION: "us-east-1",
  });
  const connection = await connect(url, { require: ["topicListing"] });
  expect(await connection.admin.listTopics()).toEqual(["failed", "flights"]);
  expect((await connection.admin.describeTopic("flights")).partitions).toHaveLength(3);
  await connection
    .topic("flights", { codec: text(), key: () => "ATL" })
    .producer()
    .send({ value: "LAX" });
  await connection.close();
  command.child.kill("SIGINT");
  expect(await command.ended).toMatchObject({ exitCode: 0, signal: null, errors: "" });
  await using gone = await connect(url);
  expect(await gone.check()).toMatchObject({ ok: false, error: { code: "unavailable" } });
});

test("runs those that are named, each once, in this order", async () => {
  const command = startCommand(["emulators", "kinesis", "kafka", "kinesis", "--json"]);
  const named = (await lines(command, 2)).map((line) => (JSON.parse(line) as { readonly provider: string }).provider);
  expect(named).toEqual(["kinesis", "kafka"]);
  command.child.kill("SIGINT");
  expect(await command.ended).toMatchObject({ exitCode: 0, errors: "" });
});

test("prints lines for a shell, on a port that was asked for", async () => {
  const first = startCommand(["emulators", "kafka"]);
  const [name, assignment] = await lines(first, 2);
  expect(name).toBe("# kafka");
  const url = /^STREAM_URL='(kafka:\/\/127\.0\.0\.1:(\d+))'$/.exec(assignment!)!;
  const taken = await runCommandLine(["emulators", "kafka", "--port", url[2]!]);
  expect(taken).toMatchObject({ exitCode: 1, output: "", errors: expect.stringMatching(/^configuration: .*cannot listen on port/) });
  first.child.kill("SIGTERM");
  expect(await first.ended).toMatchObject({ exitCode: 0, errors: "" });
});

/** An address of this machine that is not loopback; without one, another address of loopback does. */
const OTHER_ADDRESS =
  Object.values(networkInterfaces())
    .flat()
    .find((each) => each?.family === "IPv4" && !each.internal)?.address ?? "127.0.0.2";

async function startedUrl(command: RunningCommand): Promise<URL> {
  const [line] = await lines(command, 1);
  return new URL((JSON.parse(line!) as { url: string }).url);
}

test("listens on all addresses with --host, and sends clients to the advertised name", async () => {
  const command = startCommand([
    "emulators",
    "kafka",
    "--json",
    "--topics",
    "flights",
    "--host",
    "0.0.0.0",
    "--advertised-host",
    "localhost",
  ]);
  const url = await startedUrl(command);
  expect(url.hostname).toBe("localhost");
  await using connection = await connect(`kafka://${OTHER_ADDRESS}:${url.port}`);
  await connection
    .topic("flights", { codec: text(), key: () => "ATL" })
    .producer()
    .send({ value: "LAX" });
  command.child.kill("SIGINT");
  expect(await command.ended).toMatchObject({ exitCode: 0, errors: "" });
});

test("without an advertised name clients are sent to loopback, with a warning", async () => {
  const command = startCommand(["emulators", "kafka", "--json", "--host", "0.0.0.0"]);
  expect((await startedUrl(command)).hostname).toBe("127.0.0.1");
  command.child.kill("SIGINT");
  expect(await command.ended).toMatchObject({
    exitCode: 0,
    errors: expect.stringMatching(/^Clients are sent to 127\.0\.0\.1\. .*--advertised-host\.\n$/),
  });
});

test("by default other machines cannot reach it", async () => {
  const command = startCommand(["emulators", "kafka", "--json"]);
  const { port } = await startedUrl(command);
  await using connection = await connect(`kafka://${OTHER_ADDRESS}:${port}`);
  expect(await connection.check()).toMatchObject({ ok: false });
  command.child.kill("SIGINT");
  await command.ended;
});

test("an address of another machine is an error", async () => {
  expect(await runCommandLine(["emulators", "kafka", "--host", "192.0.2.1"])).toMatchObject({
    exitCode: 1,
    output: "",
    errors: expect.stringMatching(/^configuration: .*cannot listen on port 0 of 192\.0\.2\.1: EADDRNOTAVAIL/),
  });
});

test.each([
  [["--host", "localhost:9092"], /A name or an IPv4 address is needed, without a port/],
  [["--host", ""], /A name or an IPv4 address/],
  [["--advertised-host", "kafka://host"], /A name or an IPv4 address/],
  [["--advertised-host", "0.0.0.0"], /--advertised-host 0.0.0.0 is all addresses of a machine/],
  [["memory"], new RegExp(`there is no emulator "memory"; there are ${reachableProviders.join(", ")}`)],
  [["rabbit"], /there is no emulator "rabbit"/],
  [["kafka", "rabbit"], /there is no emulator "rabbit"/],
  [["kafka", "kinesis", "--port", "9092"], /--port is for one provider, not for kafka, kinesis/],
  [["--port", "0"], /from 1 to 65535/],
  [["--partitions", "none"], /whole number/],
  [["kafka", "--partitions", "3"], /--partitions is how many each topic of --topics has/],
  [["--topics", "a,,b"], /none of them empty/],
])("refuses %j with exit code 2", async (args, message) => {
  expect(await runCommandLine(["emulators", ...args])).toMatchObject({ exitCode: 2, output: "", errors: expect.stringMatching(message) });
});
