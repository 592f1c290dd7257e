import type { Position } from "./tokens.ts";

/** Where a message was stored. `null` where the provider does not report it (`capabilities.receiptPositions`). */
export interface Receipt {
  readonly partition: string | null;
  readonly position: Position | null;
  readonly timestamp: Date | null;
}
