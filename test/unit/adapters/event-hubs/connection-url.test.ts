import { expect, test } from "vitest";
import { addressOf } from "../../../../adapters/event-hubs/client/namespace-address.ts";
import { parseEventHubsUrl } from "../../../../adapters/event-hubs/connection-url.ts";
import { openWithOptions } from "../../../../adapters/event-hubs/open.ts";
import type { EventHubsOptions } from "../../../../adapters/event-hubs/options.ts";

test("a URL with a policy becomes a connection string, one without it a namespace", () => {
  const url = "event-hubs://send:k%2By%3D@ns.servicebus.windows.net?checkpoints=memory&readerGroup=replays&webSockets=true";
  expect(parseEventHubsUrl(url)).toEqual({
    connectionString: "Endpoint=sb://ns.servicebus.windows.net;SharedAccessKeyName=send;SharedAccessKey=k+y=",
    checkpoints: "memory",
    readerGroup: "replays",
    webSockets: true,
  });
  expect(parseEventHubsUrl("event-hubs://ns.servicebus.windows.net")).toEqual({ namespace: "ns.servicebus.windows.net" });
});

test.each([
  ["event-hubs://", "a URL of the form"],
  ["event-hubs://name@host", "must be name:key"],
  ["event-hubs://name:key:more@host", "must be name:key"],
  ["event-hubs://name:%zz@host", "not percent-encoded"],
  ["event-hubs://name:k%3Bx@host", "no semicolon"],
  ["event-hubs://host?hub=a", "there is no setting"],
  ["event-hubs://host?webSockets=yes", "must be true or false"],
])("%s is refused", (url, text) => {
  expect(() => parseEventHubsUrl(url)).toThrow(expect.objectContaining({ code: "configuration", message: expect.stringContaining(text) }));
});

test.each<[object, string]>([
  [{}, "either namespace or connectionString"],
  [{ namespace: "a.b", connectionString: "Endpoint=sb://a.b" }, "either namespace or connectionString"],
  [{ namespace: "sb://a.b" }, "namespace must be the host"],
  [{ connectionString: "SharedAccessKey=secret" }, "connectionString must be a connection string"],
  [{ connectionString: "Endpoint=sb://a.b", credential: { getToken: () => null } }, "credential belongs to namespace"],
  [{ namespace: "a.b", developmentEmulator: true }, "developmentEmulator needs"],
  [{ namespace: "a.b", checkpoints: "container" }, "checkpoints must be"],
])("options %j are refused, and no value is shown", (options, text) => {
  const refusal = expect.objectContaining({ code: "configuration", message: expect.stringContaining(text) });
  expect(() => openWithOptions(options as EventHubsOptions)).toThrow(refusal);
});

test("a connection string loses its hub, and gets the switch of the emulator", () => {
  const connectionString = "Endpoint=sb://Host:5672/;SharedAccessKeyName=n;SharedAccessKey=k=;EntityPath=flights";
  expect(addressOf({ connectionString, developmentEmulator: true })).toEqual({
    host: "host",
    cluster: "host:5672",
    connectionString: "Endpoint=sb://Host:5672/;SharedAccessKeyName=n;SharedAccessKey=k=;UseDevelopmentEmulator=true",
    onlyHub: "flights",
  });
});
