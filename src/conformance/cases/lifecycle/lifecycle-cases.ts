import type { DefinedCase } from "../../case.ts";
import { lifecycleConnectionCases } from "./connection.ts";
import { lifecycleConsumerCases } from "./consumer.ts";
import { lifecycleProducerCases } from "./producer.ts";
import { lifecycleReaderCases } from "./reader.ts";

export const lifecycleCases: readonly DefinedCase[] = [
  ...lifecycleConnectionCases,
  ...lifecycleConsumerCases,
  ...lifecycleProducerCases,
  ...lifecycleReaderCases,
];
