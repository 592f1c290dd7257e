import { test } from "vitest";
import { expectFormPasses } from "../conformance/emulated-kafka-form.ts";

/** `npm test` has the whole suite on the form with compression, on one broker in two parts, and the faults of an idempotent producer. */
test.each([
  { brokers: 1, firstFaultTurn: 0, options: "" },
  { brokers: 3, firstFaultTurn: 2, options: "?idempotent=true" },
])("an emulated Kafka of $brokers brokers$options passes completely", async (form) => expectFormPasses(form));
