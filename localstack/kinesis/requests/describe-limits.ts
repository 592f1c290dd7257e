import type { Handler } from "./handler.ts";

const ON_DEMAND_STREAM_LIMIT = 50;

export const describeLimits: Handler = {
  name: "DescribeLimits",
  members: {},
  handle: (_: object, { streams }) => ({
    ShardLimit: streams.shardLimit,
    OpenShardCount: streams.openShardCount,
    OnDemandStreamCount: streams.all.filter(({ mode }) => mode === "ON_DEMAND").length,
    OnDemandStreamCountLimit: ON_DEMAND_STREAM_LIMIT,
  }),
};
