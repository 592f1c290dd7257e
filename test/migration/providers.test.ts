import { expect, test } from "vitest";
import { inProcessProviders } from "../../localstack/in-process.ts";
import { expectFlightsCopied, someFlights } from "./copy-flights.ts";

const providers = Object.keys(inProcessProviders);
/** Each provider once as the source and once as the target. */
const ring = providers.map((provider, index) => [provider, providers[(index + 1) % providers.length]!] as const);
const flights = await someFlights(2_000);

test.concurrent.for([...ring, ["kafka", "kafka"] as const])("2,000 flights are copied from emulated %s to emulated %s", async (pair) => {
  await expectFlightsCopied(expect, pair, flights);
});
