import type { DefinedCase } from "./case.ts";
import { closeConnectionCases } from "./cases/close-connection.ts";
import { closeHandlerCases } from "./cases/close-handlers.ts";
import { closeProducerCases } from "./cases/close-producer.ts";
import { closeReaderCases } from "./cases/close-reader.ts";
import { consumeFlowCases } from "./cases/consume-flow.ts";
import { consumeMessageCases } from "./cases/consume-messages.ts";
import { errorArgumentCases } from "./cases/error-arguments.ts";
import { errorCallCases } from "./cases/error-calls.ts";
import { lostConnectionCases } from "./cases/error-lost-connection.ts";
import { deadLetterCases } from "./cases/failing-dead-letters.ts";
import { unreadableCases } from "./cases/failing-unreadable.ts";
import { failingHandlerCases } from "./cases/failing-handlers.ts";
import { failingCases } from "./cases/failing.ts";
import { groupAdminCases } from "./cases/group-admin.ts";
import { groupMemberCases } from "./cases/group-members.ts";
import { groupPositionCases } from "./cases/group-positions.ts";
import { groupStartCases } from "./cases/group-start.ts";
import { groupFaultCases } from "./cases/group-troubled.ts";
import { largestCases } from "./cases/limit-largest.ts";
import { limitCases } from "./cases/limit-sizes.ts";
import { orderingAbortedCases } from "./cases/ordering-aborted.ts";
import { failedKeyCases } from "./cases/ordering-failed-keys.ts";
import { handleOrderCases } from "./cases/ordering-handle.ts";
import { keyCases } from "./cases/ordering-keys.ts";
import { publishOrderCases } from "./cases/ordering-publish.ts";
import { producingBatchCases } from "./cases/producing-batches.ts";
import { producingCopyCases } from "./cases/producing-copies.ts";
import { producingFlowCases } from "./cases/producing-flow.ts";
import { producingReceiptCases } from "./cases/producing-receipts.ts";
import { producingValueCases } from "./cases/producing-values.ts";
import { ownershipCases } from "./cases/progress-ownership.ts";
import { progressCases } from "./cases/progress.ts";
import { replayRangeCases } from "./cases/replay-range.ts";
import { replayReadingCases } from "./cases/replay-reading.ts";
import { topicCases } from "./cases/topics.ts";
import { positionStartCases } from "./cases/position-start.ts";
import { positionTokenCases } from "./cases/position-tokens.ts";
import { groupResetCases } from "./cases/group-reset.ts";
import { groupReshardCases } from "./cases/group-reshard.ts";
import { consumeBoundedCases } from "./cases/consume-bounded.ts";
import { closeWhileSendingCases } from "./cases/close-while-sending.ts";
import { errorOutcomeCases } from "./cases/error-outcomes.ts";
import { earlierOwnershipCases } from "./cases/progress-earlier-ownership.ts";
import { replayTimeCases } from "./cases/replay-time.ts";
import { replayBookmarkCases } from "./cases/replay-bookmark.ts";
import { replayIsolationCases } from "./cases/replay-isolation.ts";
import { replayRetentionCases } from "./cases/replay-retention.ts";
import { groupRetentionCases } from "./cases/group-retention.ts";
import { replayReshardCases } from "./cases/replay-reshard.ts";
import { replayForEverCases } from "./cases/replay-for-ever.ts";
import { replayCompactedCases } from "./cases/replay-compacted.ts";
import { progressCompactedCases } from "./cases/progress-compacted.ts";
import { positionEdgeCases } from "./cases/position-edges.ts";
import { groupLatestCases } from "./cases/group-latest.ts";
import { groupRebalanceCases } from "./cases/group-rebalance.ts";
import { groupLateSettlementCases } from "./cases/group-late-settlement.ts";
import { groupTakenCases } from "./cases/group-taken.ts";
import { lifecycleConnectionCases } from "./cases/lifecycle-connection.ts";
import { lifecycleProducerCases } from "./cases/lifecycle-producer.ts";
import { lifecycleConsumerCases } from "./cases/lifecycle-consumer.ts";
import { lifecycleReaderCases } from "./cases/lifecycle-reader.ts";
import { closeResourceCases } from "./cases/close-resources.ts";
import { closeStartingCases } from "./cases/close-starting.ts";
import { exactLimitCases } from "./cases/limit-exact.ts";
import { errorCopyCases } from "./cases/error-copies.ts";
import { consumeSessionCases } from "./cases/consume-sessions.ts";
import { groupStatusCases } from "./cases/group-status.ts";
import { groupMovedCases } from "./cases/group-moved.ts";
import { readerFaultCases } from "./cases/replay-troubled.ts";
import { nthCallCases } from "./cases/trouble-nth-call.ts";
import { reshardTrafficCases } from "./cases/reshard-under-traffic.ts";
import { randomHistoryCases } from "./cases/history-random.ts";
import { consumeBatchCases } from "./cases/consume-batches.ts";
import { replayBookmarkPendingCases } from "./cases/replay-bookmark-pending.ts";
import { slowFaultCases } from "./cases/ordering-slow-trouble.ts";
import { replayBoundedCases } from "./cases/replay-bounded.ts";
import { producingMixedCases } from "./cases/producing-mixed.ts";
import { producingPatienceCases } from "./cases/producing-patience.ts";
import { portionCases } from "./cases/portions.ts";
import { replayOvertakenCases } from "./cases/replay-overtaken.ts";

/** Every case of the suite. Names are unique. */
export function conformanceCases(): readonly DefinedCase[] {
  return [
    ...producingValueCases,
    ...producingCopyCases,
    ...producingBatchCases,
    ...producingReceiptCases,
    ...producingFlowCases,
    ...publishOrderCases,
    ...failedKeyCases,
    ...orderingAbortedCases,
    ...keyCases,
    ...handleOrderCases,
    ...consumeMessageCases,
    ...consumeFlowCases,
    ...progressCases,
    ...ownershipCases,
    ...failingCases,
    ...failingHandlerCases,
    ...deadLetterCases,
    ...groupStartCases,
    ...groupPositionCases,
    ...groupMemberCases,
    ...groupFaultCases,
    ...groupAdminCases,
    ...topicCases,
    ...replayRangeCases,
    ...replayReadingCases,
    ...closeProducerCases,
    ...closeReaderCases,
    ...closeConnectionCases,
    ...closeHandlerCases,
    ...errorArgumentCases,
    ...errorCallCases,
    ...lostConnectionCases,
    ...limitCases,
    ...largestCases,
    ...positionStartCases,
    ...positionTokenCases,
    ...groupResetCases,
    ...groupReshardCases,
    ...consumeBoundedCases,
    ...closeWhileSendingCases,
    ...errorOutcomeCases,
    ...earlierOwnershipCases,
    ...replayTimeCases,
    ...replayBookmarkCases,
    ...replayIsolationCases,
    ...replayRetentionCases,
    ...groupRetentionCases,
    ...replayReshardCases,
    ...replayForEverCases,
    ...replayCompactedCases,
    ...progressCompactedCases,
    ...positionEdgeCases,
    ...groupLatestCases,
    ...groupRebalanceCases,
    ...groupTakenCases,
    ...groupLateSettlementCases,
    ...lifecycleConnectionCases,
    ...lifecycleProducerCases,
    ...lifecycleConsumerCases,
    ...lifecycleReaderCases,
    ...closeResourceCases,
    ...closeStartingCases,
    ...exactLimitCases,
    ...errorCopyCases,
    ...consumeSessionCases,
    ...groupStatusCases,
    ...groupMovedCases,
    ...readerFaultCases,
    ...nthCallCases,
    ...reshardTrafficCases,
    ...randomHistoryCases,
    ...consumeBatchCases,
    ...replayBookmarkPendingCases,
    ...slowFaultCases,
    ...replayBoundedCases,
    ...producingMixedCases,
    ...producingPatienceCases,
    ...portionCases,
    ...replayOvertakenCases,
    ...unreadableCases,
  ];
}
