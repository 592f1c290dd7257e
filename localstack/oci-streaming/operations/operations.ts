import type { Operation } from "../server/call.ts";
import { createCursor, getMessages } from "./cursor-operations.ts";
import { getWorkRequest } from "./get-work-request.ts";
import { groupOperations } from "./group-operations.ts";
import { objectOperations } from "./object-operations.ts";
import { poolOperations } from "./pool-operations.ts";
import { putMessages } from "./put-messages.ts";
import { streamOperations } from "./stream-operations.ts";

/** Every call that is served. */
export const operations: readonly Operation[] = [
  ...streamOperations,
  ...poolOperations,
  getWorkRequest,
  putMessages,
  createCursor,
  getMessages,
  ...groupOperations,
  ...objectOperations,
];
