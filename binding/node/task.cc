#include "task.h"

#include <pthread.h>

#include <condition_variable>
#include <deque>
#include <memory>
#include <mutex>
#include <thread>

#include "throw_status.h"

namespace opscope {

namespace {

struct Task {
  explicit Task(Napi::Env env) : deferred(Napi::Promise::Deferred::New(env)) {}
  Napi::Promise::Deferred deferred;
  std::function<Status()> work;
  std::function<Napi::Value(Napi::Env)> finish;
  Status status;
  napi_threadsafe_function done = nullptr;
};

void Settle(napi_env raw_env, napi_value, void*, void* data) {
  std::unique_ptr<Task> task(static_cast<Task*>(data));
  if (raw_env == nullptr) return;  // the environment is going down
  Napi::Env env(raw_env);
  Napi::HandleScope scope(env);
  if (!task->status.ok()) {
    task->deferred.Reject(ErrorOf(env, task->status).Value());
    return;
  }
  Napi::Value value = task->finish(env);
  if (env.IsExceptionPending()) {
    task->deferred.Reject(env.GetAndClearPendingException().Value());
  } else {
    task->deferred.Resolve(value);
  }
}

// Thread-safe. Leaked on purpose: its thread may outlive every environment.
class Worker {
 public:
  static Worker& Get() {
    static Worker* const worker = new Worker;
    return *worker;
  }
  void Add(Task* task) {
    {
      std::lock_guard lock(mutex_);
      tasks_.push_back(task);
    }
    wakeup_.notify_one();
  }

 private:
  Worker() {
    std::thread([this] { Run(); }).detach();
  }
  void Run() {
    pthread_setname_np(pthread_self(), "opscope-merge");
    for (;;) {
      Task* task;
      {
        std::unique_lock lock(mutex_);
        wakeup_.wait(lock, [this] { return !tasks_.empty(); });
        task = tasks_.front();
        tasks_.pop_front();
      }
      task->status = CatchOutOfMemory(task->work);
      napi_threadsafe_function done = task->done;
      if (napi_call_threadsafe_function(done, task, napi_tsfn_nonblocking) != napi_ok) {
        // The environment is gone; its promise went with it.
        delete task;
      }
      napi_release_threadsafe_function(done, napi_tsfn_release);
    }
  }

  std::mutex mutex_;
  std::condition_variable wakeup_;
  std::deque<Task*> tasks_;
};

}  // namespace

Napi::Promise RunOffThread(Napi::Env env, std::function<Status()> work,
                           std::function<Napi::Value(Napi::Env)> finish) {
  auto task = std::make_unique<Task>(env);
  task->work = std::move(work);
  task->finish = std::move(finish);
  Napi::Promise promise = task->deferred.Promise();
  const napi_status status =
      napi_create_threadsafe_function(env, nullptr, nullptr, Napi::String::New(env, "opscope"), 0, 1, nullptr,
                                      nullptr, nullptr, &Settle, &task->done);
  if (status != napi_ok) {
    task->deferred.Reject(ErrorOf(env, Status::Error(Code::kOutOfMemory, "no thread-safe function")).Value());
    return promise;
  }
  Worker::Get().Add(task.release());
  return promise;
}

}  // namespace opscope
