/* SPDX-License-Identifier: MIT */
/* whole.h - messages of a recording with the bodies that were compressed in them
 * made whole, as nobody who looks at them cares how they travelled. */
#ifndef GODWIT_CLI_WHOLE_H
#define GODWIT_CLI_WHOLE_H

#include "server/cli/replay/recording.h"

/**
 * Make the frames of a message of the server whole. Those that cannot be are left
 * as they are, with their flag.
 *   line     its bytes may be replaced; wire_bytes is not touched
 *   returns  how many are left compressed, GW_ERR_NOMEM
 */
GW_MUST_USE int gw__make_whole(gw_recorded_line *line);

#endif
