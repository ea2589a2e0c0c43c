/* SPDX-License-Identifier: MIT */
/* api_status.h - what a code is in HTTP. */
#ifndef GODWIT_SERVER_API_STATUS_H
#define GODWIT_SERVER_API_STATUS_H

#include "godwit/wire.h"

/** The status of an answer; 200 for GW_CODE_OK. */
unsigned gw_api_status(uint32_t code);
/** Seconds for Retry-After; 0: the header is left out. */
unsigned gw_api_retry_after_s(uint32_t code);

#endif
