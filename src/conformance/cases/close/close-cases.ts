import type { DefinedCase } from "../../case.ts";
import { closeConnectionCases } from "./connection.ts";
import { closeHandlersCases } from "./handlers.ts";
import { closePartsCases } from "./parts.ts";
import { closeReaderCases } from "./reader.ts";
import { closeResourcesCases } from "./resources.ts";
import { closeSignalsCases } from "./signals.ts";
import { closeStartingCases } from "./starting.ts";

export const closeCases: readonly DefinedCase[] = [
  ...closeConnectionCases,
  ...closeHandlersCases,
  ...closePartsCases,
  ...closeReaderCases,
  ...closeResourcesCases,
  ...closeSignalsCases,
  ...closeStartingCases,
];
