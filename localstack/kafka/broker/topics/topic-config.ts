import type { BatchRules } from "../log/check-batch.ts";
import type { CleaningRules } from "../log/cleaner.ts";
import type { SegmentLimits } from "../log/partition-log.ts";
import type { RetentionLimits } from "../log/retention.ts";
import { TOPIC_SETTINGS, toDouble } from "./topic-settings.ts";

/** The settings of a topic that have an effect here. */
export interface TopicConfig extends BatchRules, SegmentLimits, RetentionLimits, CleaningRules {
  readonly isDeleted: boolean;
  readonly minInSyncReplicas: number;
}

/** @param explicit the topic's own settings; `brokerWide` holds for topics without the setting. Both use the names of topic settings */
export function topicConfig(explicit: ReadonlyMap<string, string>, brokerWide: ReadonlyMap<string, string>): TopicConfig {
  const text = (name: string): string => {
    return (explicit.get(name) ?? brokerWide.get(name) ?? TOPIC_SETTINGS.get(name)!.fallback).trim();
  };
  const number = (name: string): number => Number(text(name));
  const policies = text("cleanup.policy")
    .split(",")
    .map((policy) => policy.trim());
  return {
    isCompacted: policies.includes("compact"),
    isDeleted: policies.includes("delete"),
    compression: text("compression.type") as BatchRules["compression"],
    maxMessageBytes: number("max.message.bytes"),
    hasAppendTime: text("message.timestamp.type") === "LogAppendTime",
    timestampBeforeMaxMs: number("message.timestamp.before.max.ms"),
    timestampAfterMaxMs: number("message.timestamp.after.max.ms"),
    segmentBytes: number("segment.bytes"),
    segmentMs: number("segment.ms"),
    retentionMs: number("retention.ms"),
    retentionBytes: number("retention.bytes"),
    minInSyncReplicas: number("min.insync.replicas"),
    minCleanableDirtyRatio: toDouble(text("min.cleanable.dirty.ratio")),
    minCompactionLagMs: number("min.compaction.lag.ms"),
    deleteRetentionMs: number("delete.retention.ms"),
  };
}
