import { expect, test } from "vitest";
import { inProcessProviders } from "../../localstack/in-process.ts";
import { expectFlightsCopied, someFlights } from "../migration/copy-flights.ts";

const providers = Object.keys(inProcessProviders);
const pairs = providers.flatMap((from) => providers.map((to) => [from, to] as const));
const flights = await someFlights(Infinity);

test.for(pairs)("all flights are copied from emulated %s to emulated %s", async (pair) => {
  await expectFlightsCopied(expect, pair, flights);
});
