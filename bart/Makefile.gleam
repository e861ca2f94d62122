# Laid into BART's Makefiles/: variables only (a rule here would become the
# default goal). TNN puts a command into the dispatch table; see gleam.mk for
# the rest.
DNNL ?= 1

TNN += gleam gleam_infer

MODULES_gleam = -lgleam -lgrecon -lnetworks -lsense -lnoncart -lnn -lnlops -lwavelet -llowrank -llinops -liter
MODULES_gleam_infer = $(MODULES_gleam)
