/* SPDX-License-Identifier: MIT */
/* api_rig.c - questions and replies as JSON. */
#include "tests/unit/support/api_rig.h"

#include <stdlib.h>

struct api_told api_told;

void api_on_reply(void *arg, uint32_t code, gw_view message, gw_view reply) {
  const char *method = arg;
  size_t len = 0;
  api_told.num++;
  api_told.code = code;
  api_told.json[0] = '\0';
  assert_true(message.len <= GW_MAX_REASON_BYTES);
  if (message.len != 0) memcpy(api_told.message, message.data, message.len);
  api_told.message[message.len] = '\0';
  if (code != GW_CODE_OK) return;
  char *json =
      gw_api_reply_to_json(gw_api_find(gw_view_of(method)), reply, &len);
  assert_non_null(json);
  assert_true(len < sizeof api_told.json);
  memcpy(api_told.json, json, len + 1);
  free(json);
}

void api_begin(hubs *n, uint32_t worker, const char *method, const char *json) {
  uint8_t space[4096];
  char why[GW_MAX_REASON_BYTES + 1];
  gw_out out = {space, 0, sizeof space};
  gw_caller caller = {.is_trusted = true};
  const gw_api_method *m = gw_api_find(gw_view_of(method));
  api_told.num = 0;
  if (m != NULL &&
      gw_api_request_from_json(m, gw_view_of(json), &out, why) != 0)
    fail_msg("%s: %s", json, why);
  gw_hub_api(n->hub[worker], gw_view_of(method), &caller,
             (gw_view){space, out.len}, api_on_reply,
             (void *)(uintptr_t)method);
  hubs_settle(n);
}

void api_ask(hubs *n, uint32_t worker, const char *method, const char *json) {
  api_begin(n, worker, method, json);
  assert_int_equal(api_told.num, 1);
}

void api_assert_json(const char *part) {
  if (strstr(api_told.json, part) == NULL)
    fail_msg("%s is not in %s", part, api_told.json);
}
