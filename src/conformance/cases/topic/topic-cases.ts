import type { DefinedCase } from "../../case.ts";
import { topicAdminCases } from "./admin.ts";

export const topicCases: readonly DefinedCase[] = [...topicAdminCases];
