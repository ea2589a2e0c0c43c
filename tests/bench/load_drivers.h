/* SPDX-License-Identifier: MIT */
/* load_drivers.h - the protocols of the servers that Godwit is compared with. */
#ifndef GODWIT_BENCH_LOAD_DRIVERS_H
#define GODWIT_BENCH_LOAD_DRIVERS_H

#include "server/load/driver.h"

/*
 * The least protocol that a publish/subscribe server on bare WebSockets can
 * have, spoken by the servers of peers/ that are our own. Binary messages:
 *
 *   to the server    's' name             subscribe; answered by "k"
 *                    'p' u8 len, name, payload
 *                    'e' payload          send it back
 *   to the client    payload
 */
extern const gw_load_driver gw_load_topic;

/** NATS, through its WebSocket listener. */
extern const gw_load_driver gw_load_nats;

/** nginx with nchan: a channel is a location, /sub/NAME, /pub/NAME. */
extern const gw_load_driver gw_load_nchan;

/** MQTT 3.1.1 over WebSocket, at most once. */
extern const gw_load_driver gw_load_mqtt;

/** Socket.IO 4 (Engine.IO 4), over WebSocket from the start. */
extern const gw_load_driver gw_load_socketio;

#endif
