# GLEAM for BART: builds BART with the commands of this repository built in.
#
#	./setup.sh && make demo		from an empty machine to pictures
#	./setup.sh && make test		... to all tests passed
#	make				build/cpu/bart
#	make MPI=1			build/mpi/bart
#	make CUDA=1 CUDNN=1		build/cuda/bart
#	make EMULATE=1			build/emulated/bart: the GPU's code on an emulated device
#	make CUDA=1 CUDNN=1 bundle	build/bundle: tests and benchmarks for a machine with a GPU
#	make bart-suite			BART's own tests, on its tree as it comes and on ours; SUBSET=1: a part
#	make paper SCALE=small		the paper's tables and figures (doc/paper.md); SCALE=full: its sizes
#	make DEBUG=1 ASAN=1 UBSAN=1	build/asan/bart
#	make install PREFIX=/usr/local	the patched bart
#
# All of BART's switches are passed on (WERROR=1, OPENBLAS=1, CC=clang, ...).
# VARIANT=<name> names the folder below build/ by hand; of switches that do not
# choose a folder themselves (CC, WERROR) make does not see that they changed.

BART_VERSION := 1.0.00
TARBALL := build/download/bart_$(BART_VERSION).orig.tar.gz

NPROC := $(shell nproc)

CUDA ?= 0
CUDNN ?= 0
EMULATE ?= 0
MPI ?= 0
ASAN ?= 0
UBSAN ?= 0
DEBUG ?= 0
PREFIX ?= /usr/local

ifneq (,$(wildcard /usr/local/cuda))
CUDA_BASE ?= /usr/local/cuda
endif

# A100, H100 and H200; newer ones compile the last for themselves when a program starts
GPUARCH_FLAGS ?= -gencode arch=compute_80,code=sm_80 -gencode arch=compute_90,code=sm_90 -gencode arch=compute_90,code=compute_90

# what of the GPU is built: cpu (nothing), cuda (by nvcc), emulated (by the C++ compiler)
gpu := $(if $(filter 11,$(CUDA)$(CUDNN)),cuda,$(if $(filter 1,$(EMULATE)),emulated,cpu))

ifeq ($(EMULATE)$(filter 1,$(CUDA)),11)
$(error EMULATE=1 is for builds without CUDA)
endif

flavour := $(if $(filter 1,$(CUDA)),cuda)$(if $(filter 1,$(EMULATE)),emulated)$(if $(filter 1,$(MPI)),mpi)$(if $(filter 1,$(ASAN) $(UBSAN)),asan,$(if $(filter 1,$(DEBUG)),debug))
VARIANT ?= $(or $(flavour),cpu)
B := build/$(VARIANT)

# $(B) is removed as a whole when a patch changes
ifneq (,$(or $(findstring /,$(VARIANT)),$(filter . .. download,$(VARIANT)),$(filter-out 1,$(words $(VARIANT)))))
$(error VARIANT is '$(VARIANT)', but must be one plain name of a folder below build/)
endif

switches := CUDA=$(CUDA) CUDNN=$(CUDNN) EMULATE=$(EMULATE) GPUARCH_FLAGS="$(GPUARCH_FLAGS)" MPI=$(MPI) ASAN=$(ASAN) UBSAN=$(UBSAN) DEBUG=$(DEBUG)
switches += $(foreach v,CUDA_BASE CUDA_LIB,$(if $($(v)),$(v)=$($(v))))

# BART's own rules leave .o files beside the sources; without --no-print-directory
# and with its own job server it builds as a sub-make.
bartmake = +$(MAKE) --no-print-directory -C $(B) $(if $(filter -j%,$(MAKEFLAGS)),,-j$(NPROC)) $(switches)

# two makes in one BART tree would be in each other's way; each of them is parallel
.NOTPARALLEL:

# of paper; of a folder of results, which paper.sh leaves and goes on with
OUT ?= paper-$(SCALE)
DOC ?= doc/paper/$(SCALE)

ifneq (,$(filter paper,$(MAKECMDGOALS)))
ifeq (,$(and $(filter 1,$(words $(SCALE))),$(filter small full,$(SCALE))))
$(error SCALE is '$(SCALE)', expected small or full: make paper SCALE=small)
endif
endif

.PHONY: all overlay unit test bart-suite demo paper bench bundle install clean distclean

all: overlay
	$(bartmake) bart

$(TARBALL):
	@echo "BART's source is not here yet: run ./setup.sh first"; exit 1

# A pristine tree with our patches; made anew when a patch changes.
$(B)/.pristine: $(TARBALL) $(wildcard patches/*.patch)
	rm -rf $(B)
	mkdir -p $(B)
	tar -C $(B) --strip-components=1 -xf $(TARBALL)
	set -e; for p in $(wildcard patches/*.patch); do patch -d $(B) -p1 --quiet < $$p; done
	touch $@

overlay: $(B)/.pristine
	@scripts/overlay.sh $(B) $(gpu)

# one program at a time: BART's rules for libraries serve one in a make
unit: overlay
	$(bartmake) gleam_unit
	$(bartmake) gleam_library
	$(if $(filter cuda,$(gpu)),$(bartmake) gleam_plans)

# a harness of tests/fuzz/, with the compiler and the flags of tests/fuzz/run.sh
fuzz-%: overlay
	$(bartmake) gleam_fuzz_$*

install: all
	$(MAKE) --no-print-directory -C $(B) $(switches) install PREFIX=$(PREFIX)

clean:
	rm -rf $(filter-out build/download,$(wildcard build/*))

distclean: clean
	rm -rf build demo

test: all unit
	tests/run.sh $(B)

bart-suite: all
	+tests/bart-suite.sh $(if $(filter 1,$(SUBSET)),-s) $(B) $(switches)

demo: all
	BART=$(abspath $(B))/bart scripts/demo.sh demo

paper: all
	BART=$(abspath $(B))/bart DOC=$(DOC) scripts/paper.sh $(SCALE) $(OUT)

define build_bench
	$(bartmake) gleam_bench_$(1)

endef

bench: all
	$(foreach b,$(notdir $(basename $(wildcard bench/*.c))),$(call build_bench,$(b)))
	BART=$(abspath $(B))/bart bench/run.sh

bundle: all unit
	$(foreach b,conv $(notdir $(basename $(wildcard bench/gpu*.c))),$(call build_bench,$(b)))
	CUDA_BASE=$(CUDA_BASE) scripts/bundle.sh $(B) build/bundle
