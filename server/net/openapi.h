/* SPDX-License-Identifier: MIT */
/* openapi.h - the description of the server API, as it is served. */
#ifndef GODWIT_SERVER_OPENAPI_H
#define GODWIT_SERVER_OPENAPI_H

#include "godwit/wire.h"

/** The document in YAML; it lives as long as the program. */
gw_view gw_openapi(void);

#endif
