# Laid into BART's Makefiles/: variables only (a rule here would become the
# default goal). TNN puts a command into the dispatch table; see gleam.mk for
# the rest.
DNNL ?= 1
EMULATE ?= 0

TNN += gleam gleam_infer

MODULES_gleam = -lgleam -lgrecon -lnetworks -lsense -lnoncart -lnn -lnlops -lwavelet -llowrank -llinops -liter
MODULES_gleam_infer = $(MODULES_gleam)

# what computes on a GPU: compiled by nvcc, or by the C++ compiler for the emulated device
ifeq ($(CUDA)$(CUDNN),11)
GLEAM_GPU = 1
MODULES_gleam += -lgpu
endif

ifeq ($(EMULATE),1)
GLEAM_GPU = 1
MODULES_gleam += -lgpu -lemulator
nnextracxxsrcs += $(wildcard $(srcdir)/nn/*.cu.cc)
gleamextracxxsrcs += $(wildcard $(srcdir)/gleam/*.cu.cc)
gpuextracxxsrcs += $(wildcard $(srcdir)/gpu/*.cu.cc)
emulatorextracxxsrcs += $(wildcard $(srcdir)/emulator/*.cc)
endif
