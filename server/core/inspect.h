/* SPDX-License-Identifier: MIT */
/* inspect.h - frames and publications are shown to somebody outside of the core
 * before they are handled, who may refuse them at once. */
#ifndef GODWIT_SERVER_INSPECT_H
#define GODWIT_SERVER_INSPECT_H

#include "server/core/session.h"

/** Whether the frame goes on. Else it was answered. Asked once for each frame,
 * when it is handled first. */
bool gws_inspect_frame(gw_session *s, const gw_frame *f);

/** Whether a publication goes on: its payload may be another now. s: NULL, it is
 * the application's. user: on whose behalf. */
bool gws_inspect_publication(gw_hub *h, const gw_session *s, gw_publish *msg,
                             gw_view user, gw_verdict *v);

gw_facts gws_session_facts(const gw_session *s);

#endif
