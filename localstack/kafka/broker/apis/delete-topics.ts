import { defineApi } from "../wire/api.ts";
import { struct } from "../wire/struct.ts";
import { array, int16, int32, nullableString, string, uuid } from "../wire/types.ts";

export const deleteTopicsApi = defineApi({
  name: "DeleteTopics",
  key: 20,
  versions: [1, 6],
  flexibleFrom: 4,
  request: {
    topics: array(struct({ name: nullableString, topicId: uuid })).since(6),
    topicNames: array(string).until(5),
    timeoutMs: int32,
  },
  answer: {
    throttleTimeMs: int32.or(0),
    responses: array(
      struct({ name: nullableString, topicId: uuid.since(6), errorCode: int16, errorMessage: nullableString.since(5).or(null) }),
    ),
  },
});
