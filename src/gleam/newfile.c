#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include "misc/debug.h"
#include "misc/misc.h"
#include "misc/types.h"

#include "gleam/limit.h"

#include "gleam/newfile.h"

#define SUFFIX ".new"
#define LETTERS "abcdefghijklmnopqrstuvwxyz012345"

enum { RANDOM = 6, TRIES = 100 };

#define READ_WRITE (S_IRUSR|S_IWUSR|S_IRGRP|S_IWGRP|S_IROTH|S_IWOTH)


char* newfile_name(const char* path)
{
	unsigned char bytes[RANDOM];
	char text[RANDOM + 1];

	// as many as these always come at once
	if (RANDOM != getrandom(bytes, RANDOM, 0))
		return NULL;

	for (int i = 0; i < RANDOM; i++)
		text[i] = LETTERS[bytes[i] % 32];

	// no word that anybody would think of
	text[0] = (char)('0' + bytes[0] % 6);
	text[RANDOM - 1] = (char)('0' + bytes[RANDOM - 1] % 6);

	text[RANDOM] = '\0';

	return ptr_printf("%s.%s" SUFFIX, path, text);
}

// a link, or anything else that is there already, is no new file
static int create(struct newfile_s* file, const char* path, mode_t mode)
{
	file->name = newfile_name(path);

	if (NULL == file->name)
		return errno;

	file->fd = open(file->name, O_RDWR|O_CREAT|O_EXCL|O_NOFOLLOW|O_CLOEXEC, mode);

	if (-1 != file->fd)
		return 0;

	int err = errno;
	XFREE(file->name);

	return err;
}

int newfile_permit(int fd, const struct stat* earlier)
{
	mode_t mode = earlier->st_mode & 0777;
	struct stat st;

	// rights of a group that cannot be given become no other group's
	if ((0 != fstat(fd, &st)) || ((st.st_gid != earlier->st_gid) && (0 != fchown(fd, (uid_t)-1, earlier->st_gid))))
		mode &= ~(mode_t)S_IRWXG | ((mode & S_IRWXO) << 3);

	return (0 == fchmod(fd, mode)) ? 0 : errno;
}

int newfile_create(struct newfile_s* file, const char* path)
{
	struct stat earlier;
	bool replaces = (0 == lstat(path, &earlier)) && S_ISREG(earlier.st_mode);
	int err = EEXIST;

	*file = (struct newfile_s){ .fd = -1, .held = -1 };

	// nobody opens it before it has the rights of the one that it replaces
	for (int i = 0; (EEXIST == err) && (i < TRIES); i++)
		err = create(file, path, replaces ? S_IRUSR|S_IWUSR : READ_WRITE);

	if (0 != err)
		return err;

	// while it is held nobody takes it for a leftover
	flock(file->fd, LOCK_EX|LOCK_NB);

	if (replaces)
		err = newfile_permit(file->fd, &earlier);

	if (0 != err)
		newfile_drop(file);

	return err;
}

static int write_all(int fd, size_t size, const void* data)
{
	const char* p = data;

	while (0 < size) {

		ssize_t n = write(fd, p, MIN(size, (size_t)1 << 30));

		if (0 > n) {

			if (EINTR == errno)
				continue;

			return errno;
		}

		p += n;
		size -= (size_t)n;
	}

	return 0;
}

int newfile_write(struct newfile_s* file, size_t size, const void* data)
{
	auto before = limit_begin();
	int err = write_all(file->fd, size, data);

	limit_end(&before);

	return err;
}

int newfile_close(struct newfile_s* file)
{
	// the lock is that of both, and held until the file is in its place
	file->held = fcntl(file->fd, F_DUPFD_CLOEXEC, 0);

	int err = (0 == fsync(file->fd)) ? 0 : errno;

	if ((0 != close(file->fd)) && (0 == err))
		err = errno;

	file->fd = -1;

	return err;
}


/* The rename has happened already: when the folder cannot be flushed (some file
 * systems cannot) this is no reason to stop.
 */
static void flush_folder(const char* path)
{
	char* copy = ptr_printf("%s", path);
	int fd = open(dirname(copy), O_RDONLY|O_DIRECTORY|O_CLOEXEC);

	if ((-1 == fd) || ((-1 == fsync(fd)) && (EINVAL != errno)))
		debug_printf(DP_WARN, "%s: written, but its folder could not be flushed to disk: %s\n", path, strerror(errno));

	if (-1 != fd)
		close(fd);

	xfree(copy);
}

static void let_go(struct newfile_s* file)
{
	if (-1 != file->held)
		close(file->held);

	file->held = -1;
}

int newfile_rename(struct newfile_s* file, const char* path)
{
	if (0 != rename(file->name, path))
		return errno;

	let_go(file);
	XFREE(file->name);
	flush_folder(path);

	return 0;
}

void newfile_drop(struct newfile_s* file)
{
	if (-1 != file->fd)
		close(file->fd);

	if (NULL != file->name)
		unlink(file->name);

	file->fd = -1;
	let_go(file);
	XFREE(file->name);
}


static bool is_leftover(const char* name, const char* of)
{
	size_t len = strlen(of);

	if (len + 1 + RANDOM + strlen(SUFFIX) != strlen(name))
		return false;

	const char* first = name + len + 1;
	const char* last = first + RANDOM - 1;

	return    (0 == strncmp(name, of, len)) && ('.' == name[len])
	       && (0 == strcmp(last + 1, SUFFIX)) && (RANDOM == strspn(first, LETTERS))
	       && ('0' <= *first) && ('5' >= *first) && ('0' <= *last) && ('5' >= *last);
}

// does its writer hold it, or is it gone? And is the file this user's?
static bool look_at(const char* name, bool* held, bool* mine)
{
	struct stat st;
	int fd = open(name, O_RDONLY|O_NOFOLLOW|O_NONBLOCK|O_CLOEXEC);

	if (-1 == fd)
		return false;

	*held = (0 != flock(fd, LOCK_SH|LOCK_NB)) && (EWOULDBLOCK == errno);
	*mine = (0 == fstat(fd, &st)) && S_ISREG(st.st_mode) && (geteuid() == st.st_uid);

	close(fd);

	return true;
}

// each new file of this path, until fun returns true, which is returned
static bool each(const char* path, bool (*fun)(const char* name, void* data), void* data)
{
	char* dir_copy = ptr_printf("%s", path);
	char* base_copy = ptr_printf("%s", path);
	const char* folder = dirname(dir_copy);
	const char* base = basename(base_copy);
	DIR* dir = opendir(folder);
	bool done = false;

	for (struct dirent* entry; (NULL != dir) && !done && (NULL != (entry = readdir(dir))); ) {

		if (!is_leftover(entry->d_name, base))
			continue;

		char* name = ptr_printf("%s/%s", folder, entry->d_name);

		done = fun(name, data);
		xfree(name);
	}

	if (NULL != dir)
		closedir(dir);

	xfree(base_copy);
	xfree(dir_copy);

	return done;
}

static bool is_held(const char* name, void*)
{
	bool held;
	bool mine;

	return look_at(name, &held, &mine) && held;
}

bool newfile_held(const char* path)
{
	return each(path, is_held, NULL);
}

struct left_s {

	bool (*fun)(const char* name, void* data);
	void* data;
};

static bool if_left(const char* name, void* _data)
{
	const struct left_s* data = _data;
	bool held;
	bool mine;

	return look_at(name, &held, &mine) && !held && mine && data->fun(name, data->data);
}

void newfile_left(const char* path, bool (*fun)(const char* name, void* data), void* data)
{
	each(path, if_left, &(struct left_s){ fun, data });
}

static bool remove_one(const char* name, void*)
{
	unlink(name);

	return false;
}

void newfile_clean(const char* path)
{
	newfile_left(path, remove_one, NULL);
}
