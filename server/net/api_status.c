/* SPDX-License-Identifier: MIT */
/* api_status.c - codes and their statuses. */
#include "server/net/api_status.h"

/** From here on codes are the application's own. */
#define APPLICATION_CODES 900u

static const struct {
  uint32_t code;
  unsigned status;
} statuses[] = {
    {GW_CODE_OK, 200},
    {GW_CODE_TIMEOUT, 504},
    {GW_CODE_INTERNAL, 500},
    {GW_CODE_PEER_GONE, 502},
    {GW_CODE_RATE_LIMITED, 429},
    {GW_CODE_CONFLICT, 409},
    {GW_CODE_ILLEGAL_TRANSITION, 409},
    {GW_CODE_UNKNOWN_MACHINE, 404},
    {GW_CODE_TOO_BIG, 413},
    {GW_CODE_PERMISSION_DENIED, 403},
    {GW_CODE_LIMIT_REACHED, 409},
    {GW_CODE_UNKNOWN_METHOD, 404},
    {GW_CODE_NOT_FOUND, 404},
    {GW_CODE_HANDLER_FAILED, 502},
    {GW_CODE_GROUP_EXISTS, 409},
    {GW_CODE_NO_SUCH_GROUP, 404},
    {GW_CODE_NO_SUCH_ROLE, 404},
    {GW_CODE_ROLE_IN_USE, 409},
};

unsigned gw_api_status(uint32_t code) {
  for (size_t i = 0; i < sizeof statuses / sizeof statuses[0]; i++)
    if (statuses[i].code == code) return statuses[i].status;
  if (code >= APPLICATION_CODES) return 422;
  switch (gw_code_class(code)) {
  case GW_CLASS_RETRY:
  case GW_CLASS_RETRY_AFTER:
    return 503;
  case GW_CLASS_REAUTH:
    return 401;
  case GW_CLASS_RESYNC:
    return 409;
  default:
    return 400;
  }
}

unsigned gw_api_retry_after_s(uint32_t code) {
  return gw_code_class(code) == GW_CLASS_RETRY_AFTER ? 1 : 0;
}
