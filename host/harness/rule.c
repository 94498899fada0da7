/* SPDX-License-Identifier: BSD-2-Clause */
/* rule.c - the rules that are looked at while a plugin runs (rule.h). */
#include "rule.h"

#define WEIR_API 1
#include <weir/plugin.h>

#define SOURCE    (1u << WEIR_SOURCE)
#define TRANSFORM (1u << WEIR_TRANSFORM)
#define SINK      (1u << WEIR_SINK)
#define ALL       (SOURCE | TRANSFORM | SINK)

const struct rule_row rule_rows[RULES] = {
    [RULE_STATUS] = {"status", "Each callback returns a status that it may return.", ALL},
    [RULE_CALLS] = {"calls", "Host functions get what plugin.h allows: sizes, levels, states, rows, limits.",
                    ALL},
    [RULE_THREADS] = {"threads",
                      "Functions for the home thread are called there, inside a callback. Threads of its "
                      "own begin with open and end with close.",
                      ALL},
    [RULE_CLOSED] = {"closed", "No host function is called before open or after close, outside a callback.",
                     ALL},
    [RULE_INTERRUPT] = {"interrupt",
                        "A callback that blocks comes back within 3 s of interrupt, which calls no host "
                        "function.",
                        SOURCE | SINK},
    [RULE_TIME] = {"time", "poll comes back after its timeout, every other callback in 10 s.", ALL},
    [RULE_CLOSE] = {"close", "close comes back in 10 s, with work in flight too.", SOURCE | SINK},
    [RULE_MEMORY] = {"memory", "What mem, buf_alloc and buf_wrap gave is given back, once, and to the host.",
                     ALL},
    [RULE_LEAK] = {"leak",
                   "One instance after another holds no more memory and descriptors than those before.", ALL},
    [RULE_CONF] = {"conf", "The options are not written to.", ALL},
    [RULE_INSTANCES] = {"instances", "Two instances at one time do what each does alone.", ALL},
    [RULE_ALLOCATION] = {"allocation",
                         "malloc and the like may fail, each time they are called: a status follows, "
                         "not a crash or a loss.",
                         ALL},
    [RULE_CRASH] = {"crash", "Nothing crashes or ends the process.", ALL},
    [RULE_EMITTER] = {"emitter", "An emitter is used inside the call that brought it.", SOURCE | TRANSFORM},
    [RULE_BOUNDS] = {"bounds", "No byte is touched beside those that a record points to.", TRANSFORM | SINK},
    [RULE_IMMUTABLE] = {"immutable", "Records are not written to.", TRANSFORM | SINK},
    [RULE_BORROWED] = {"borrowed",
                       "No byte of a batch is touched after complete or close, or after process returned.",
                       TRANSFORM | SINK},
    [RULE_RESULTS] = {"results", "Results name records of the batch, each once, with a status of a record.",
                      TRANSFORM | SINK},
    [RULE_COMPLETE] = {"complete", "A batch that write took is completed once, not twice, not never.", SINK},
    [RULE_OUTCOME] = {"outcome",
                      "An input is passed once, or made into records, or rejected, or dropped; not two of "
                      "these.",
                      TRANSFORM},
    [RULE_PROMISES] = {"promises", "With WEIR_ONE_TO_ONE nothing makes two records of one.", TRANSFORM},
    [RULE_LANES] = {"lanes", "Records are of lanes that are open.", SOURCE},
    [RULE_SEQ] = {"seq", "In a lane seq rises strictly, and next is behind it.", SOURCE},
    [RULE_BUFFER] = {"buffer",
                     "A record lies inside the buffer that it names, which is not written to after that.",
                     SOURCE | TRANSFORM},
    [RULE_AGAIN] = {"again",
                    "After AGAIN poll returns; what was not taken comes with the next, nothing is lost "
                    "and nothing comes twice.",
                    SOURCE},
    [RULE_PAUSED] = {"paused", "With WEIR_POLL_PAUSED nothing is emitted.", SOURCE},
    [RULE_END] = {"end", "With WEIR_POLL_TO_END poll says END when all is read.", SOURCE},
    [RULE_RESUME] = {"resume",
                     "From a position of at most 1 KiB it gives what is behind it: all, in order, under the "
                     "same seq, once.",
                     SOURCE},
};
