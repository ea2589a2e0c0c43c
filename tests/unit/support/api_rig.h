/* SPDX-License-Identifier: MIT */
/* api_rig.h - asks the API of a node in JSON, and keeps the last reply. */
#ifndef GODWIT_TEST_API_RIG_H
#define GODWIT_TEST_API_RIG_H

#include "tests/unit/support/hub_rig.h"

#include "server/core/api.h"

/** The last reply. */
struct api_told {
  unsigned num;
  uint32_t code;
  char message[GW_MAX_REASON_BYTES + 1];
  char json[8192];
};
extern struct api_told api_told;

/** arg: the method's name. */
void api_on_reply(void *arg, uint32_t code, gw_view message, gw_view reply);

/** Ask one worker, as the application; whether it is answered is for the caller
 * to see. */
void api_begin(hubs *n, uint32_t worker, const char *method, const char *json);
/** The same; fails the test unless it is answered at once. */
void api_ask(hubs *n, uint32_t worker, const char *method, const char *json);

void api_assert_json(const char *part);

#endif
