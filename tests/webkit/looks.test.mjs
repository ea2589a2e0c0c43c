// SPDX-License-Identifier: MIT
// looks.test.mjs - the gallery in light, on a screen and on a phone.

import { demoWith } from './support/demo.mjs';
import { looksIn } from './support/looks.mjs';

looksIn(demoWith(['ada']), { isDark: false });
