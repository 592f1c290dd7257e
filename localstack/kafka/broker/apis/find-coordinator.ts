import { defineApi } from "../wire/api.ts";
import { struct } from "../wire/struct.ts";
import { array, int16, int32, int8, nullableString, string } from "../wire/types.ts";

export const findCoordinatorApi = defineApi({
  name: "FindCoordinator",
  key: 10,
  versions: [0, 6],
  flexibleFrom: 3,
  request: {
    key: string.until(3),
    keyType: int8.since(1),
    coordinatorKeys: array(string).since(4),
  },
  answer: {
    throttleTimeMs: int32.since(1).or(0),
    errorCode: int16.until(3).or(0),
    errorMessage: nullableString.since(1).until(3).or(null),
    nodeId: int32.until(3).or(-1),
    host: string.until(3).or(""),
    port: int32.until(3).or(-1),
    coordinators: array(
      struct({ key: string, nodeId: int32, host: string, port: int32, errorCode: int16, errorMessage: nullableString.or(null) }),
    )
      .since(4)
      .or([]),
  },
});
