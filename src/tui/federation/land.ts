/**
 * Where land is, to the degree: 180 rows from north to south, 360 columns from west to east, one bit each, deflated.
 *
 * Made from Natural Earth's land at 1:110,000,000 (naturalearthdata.com, public domain), asked at the middle of each cell.
 */
import { inflateRawSync } from 'node:zlib';

const DEFLATED =
  '7Zm9bh1FFIDP3LG8Bi5eIxBYwmRvyAPERSSMZDEu6fIKNxUSojCiwEXwLkphCqQ8ABHmEVKmy4ZIOEIgp6RIMY4pghQlayzhSbyeg2d/Zudvr3' +
  '0bJKRMEW12v3v2zPmbs8cAr9aEFWF2HoymWEKEWJ4HThHvIyK+wLPZmKdlqmAsAIDcAbhQ3ZdhZTFnFZwBELmhX+ijS8mXz3G7YtGRJzyxczAT' +
  'lwRbybA60s8WXXiVkt1tQSvWEBqp36WFA5OTe78f88oi2Bkj4qcGrWwZWbosA3yyBpBY8DwAMMTckYxw7fmtRwCxpcZKZSM83uPADS2O5f5T9r' +
  'h+1nmwgI2o2oYg1c0mEI6QP2P40IP/qe0jfsBadCLqf+MEZQU/aBxavRH1KpqQ2MIDFEc37mFG0+YuRSXjwIDxsMxrpTDnlw55CtAaI1ZG2JHf' +
  'oLkK0JdHe9sFxUY5hih2VQSa6/hbpq8zphyewVylnBBKgAWnsb58CWyRYAGRMgfuyBjdNSCJ3sD9uzkgByoACN6UqcuWkGv4xijmkPImuJknFy' +
  'UQfQ0/kwxY7SVWpj78Emj3EloAJDWcCg++hZmSzFq4BKANXLpqSKoCjP1Wm1oAlcs68cpZB/5xvoq4HFitPsUmS0n2sXAMl8FSFQXrtd5qr03A' +
  '0XwgLtswwKZ6MgSo9Sg6OJsvUsfEdb6PW7ikbUbR/M08dUKoCn/ShCki7rZRtMRn5m0tRFc+GpfvNLEMS+uJa+WfQBeE2IYXS/Th3IaPEJ80FS' +
  'sAr7XwG+292itky4Nvd6Wgddf3V6DNE2ct24Vc+YVv1pL9iBsZ8N36Fn/d/K0ZRibc3PsLOjWemTFdLvtwW+YSvIu/pIbLrSLqbCPBBDO2b7jb' +
  'V6OtcvNsfxchPuhgvuHB7csSSe4j0E4NCUU/XMIBxluCGRHqwa37EzH84O8UtTWOBeT9cDGc20fUGf543YJTfabVMMBXiFqNfB0yD27/l3AYX0' +
  'PU5eDpCjVhZsGDSMLoCyNPVmITTmyYyc5RyiWLqQnH1tEaVbYy4It/WI2JFQCx+p0Rp4Ja5ybR51GjFB9bsH12q4DmxnYLedEoMQP7PN52YOlU' +
  'DWtdRTEeW4Y8wsNwaABcxgLGlotO8KAP/ho5rJu7RdHFhqvGW8jhimlHLLGMzGPbWK8hh4WuD1MuSk9a63EHnjP6lRaWKw39p9cv5rbvEVVLUV' +
  '9958IshzsujMCUweWcCyccZq0QxG2UwJAjjr2WkfEVklmSb1adDU+tZjRrUmmjPr00vFV1yBkrfcnxiwLYmgnvoDiFgZVrHkzQOTRwHzlEEpis' +
  'Tj/HdoWdY7iHmWpUGAZggg58gKAaBYqZD0NXNmr4hZgAM0fyCQcgFUwDfbwjWdlXwafNjf81Qtuwa6whZ6t2lCTZwDcezY5+NaIOcbOCB/M6ds' +
  '314EgawV/r8QQGMzDyJcNhU8CIkXqfAj1tdgLw203RNeGh6jEGHAJuadIl7fJ0CJBDHvg2o21tZPXR0yS11fBbBa9OyLrM1MEyHNM+ODOqQc3M' +
  'jqMs/ClmwfUG6HKS98C5UQ3qH5KHaT4X+CK04Sb3CE93e2DewW05LE5Liq910okz4XV2i+RhONMbbGvndXYLrgbVaBBi1M5V+s6HKQ9Jbl5OjN' +
  'q5BAOIRRBuDGbAQxjApfL2+WB1bl9CEtK5gdMOJirLJYx8DwZgGHw+gv2Qu9vTPjVPkoUMiFs8aB+s1igQoq0LmQ1no1A8t05OEcVM90SM/GrX' +
  'OdmGabE8CVZX3ZY+KlZC4xADLpY6KQE4seHufMfyOsAC8QzdwbkwbHpdOcczdKFhMOEyVGVaOEXZwZE19DgDZlXIZD7M2+eSFKazMljz4VwL0z' +
  'A1O2C/MlaSwYJ5IEZ1c45SF88o1Pqou4WGhVaShpoqBXMDtpLivPCZkmNDSRJqBKtZmb7kNiwC9WsqONN65sGksNToNmWEghrkFb5kHVxUWm3L' +
  '+74HY3ykATPGOLyHgZrL+yabagtr54RBwXbtYJPhBUdy77T13eoIsODJw1a7drDJ8KLT6fbPgwHgoQ2LSbBzcib9kgd6xHQONZrBp1lFJ86pL0' +
  'wDD3s/P85e5xuX6yGtu9b64c1pxvabMIXSq9NIZtPA8TSmI6/+2vIfrfEU7GAawXN9D0JfV+u29+sysnGhmkx7izu1vfsoK8+Aq88WPXr1AnJo' +
  'lq94VyHd5NCl5/XLVtUU+PSrPuqf4qRNxn6midia3IfSOzBDNeHZMUQ7cimR5gevuxo94pObT4wDugfOnTEvDw9n0ejCnSElYj9MzWF+vxI1vG' +
  'fO5yHpFVzpuEJM26QZxYnG0BvijJbQBxfu5rkeQfRJNh9vYf/qmab3iT4WvU7wlvpTgcT/2ZqqXv0L';

let bits: Uint8Array | undefined;

/** In degrees; beyond the map there is no land. */
export function isLand(latitude: number, longitude: number): boolean {
  bits ??= inflateRawSync(Buffer.from(DEFLATED, 'base64'));
  const row = Math.floor(90 - latitude);
  const column = Math.floor(longitude + 180);
  if (row < 0 || row >= 180 || column < 0 || column >= 360) return false;
  const at = row * 360 + column;
  return (((bits[at >> 3] ?? 0) >> (7 - (at & 7))) & 1) === 1;
}
